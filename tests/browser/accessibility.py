"""What can be found out about accessibility without a person, measured in the page itself."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

MIN_CONTRAST = 4.5
MIN_TARGET_PX = 24

_AUDIT = """
() => {
  const problems = [];
  const visible = (element) => element.checkVisibility() && element.offsetWidth > 0;
  const say = (element, text) => problems.push(`${element.outerHTML.slice(0, 90)}: ${text}`);

  if (!document.documentElement.lang) problems.push("no language");
  if (!document.title.trim()) problems.push("no title");
  if (document.querySelectorAll("main").length !== 1) problems.push("not one main landmark");
  if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
  if (document.querySelector("script")) problems.push("a script");
  if (document.querySelector("[style]")) problems.push("an inline style");

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) problems.push("an id twice");
  for (const input of document.querySelectorAll("input:not([type=hidden])")) {
    if (!input.labels.length || !input.labels[0].textContent.trim()) say(input, "no label");
    if (!input.autocomplete) say(input, "no autocomplete");
    for (const id of (input.getAttribute("aria-describedby") ?? "").split(/\\s+/)) {
      if (id && !document.getElementById(id)) say(input, `described by missing ${id}`);
    }
  }
  for (const image of document.querySelectorAll("img")) {
    if (!image.hasAttribute("alt")) say(image, "no alternative");
  }
  for (const picture of document.querySelectorAll("svg")) {
    if (!picture.closest("[aria-hidden=true]")) say(picture, "read out");
  }
  for (const control of document.querySelectorAll("a, button")) {
    if (!control.textContent.trim()) say(control, "no name");
    if (control.tabIndex > 0) say(control, "out of order");
    const box = control.getBoundingClientRect();
    const inline = getComputedStyle(control).display === "inline";
    if (!inline && box.height < MIN_TARGET) say(control, "too small a target");
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = new Set();
  while (walker.nextNode()) {
    if (walker.currentNode.textContent.trim()) texts.add(walker.currentNode.parentElement);
  }
  for (const input of document.querySelectorAll("input:not([type=hidden])")) texts.add(input);
  for (const element of texts) {
    if (!visible(element)) continue;
    const [one, other] = [rgba(getComputedStyle(element).color), ground(element)]
      .map(luminance).sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < MIN_CONTRAST) say(element, `contrast ${ratio.toFixed(2)}`);
  }
  return problems;
}
"""


def problems(page: Page) -> list[str]:
    """What is wrong with a page (WCAG 2.2: 1.1.1, 1.3.1, 1.4.3, 2.4.2, 2.4.3, 2.5.8, 3.1.1...)."""
    script = _AUDIT.replace("MIN_CONTRAST", str(MIN_CONTRAST)).replace(
        "MIN_TARGET", str(MIN_TARGET_PX)
    )
    found: list[str] = page.evaluate(script)
    return found


def tab_order(page: Page, stops: int) -> list[Any]:
    """What the tabulator key reaches, in order, as text or name."""
    reached = []
    for _ in range(stops):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("() => document.activeElement.name || document.activeElement.innerText")
        )
    return reached


def focus_is_visible(page: Page) -> bool:
    """Whether the focused element looks different from when it is not focused (2.4.7)."""
    changed: bool = page.evaluate(
        """() => {
          const element = document.activeElement;
          element.style.transition = "none";  // else a look is one of a change under way
          const look = () => {
            const style = getComputedStyle(element);
            return `${style.outline}|${style.boxShadow}|${style.borderColor}`;
          };
          const focused = look();
          element.blur();
          const blurred = look();
          element.focus({ focusVisible: true });
          return focused !== blurred;
        }"""
    )
    return changed
