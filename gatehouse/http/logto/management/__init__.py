"""Logto's Management API: one module for each resource, holding its models, views and routes."""
