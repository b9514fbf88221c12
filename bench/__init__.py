"""Load suites: how fast Gatehouse is, as ratios that hold on any machine, in one report.

`./dev bench` runs all of them, each against what it is compared with, in alternating rounds.
Suites that speak only HTTP can be pointed at any server of the same API (`--target URL`).
"""
