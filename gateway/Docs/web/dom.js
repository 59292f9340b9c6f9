// An element with attributes and children; a property is set where the element has one.
export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

// Prose of a contract: an empty line starts a paragraph, `code` and CODE/REASON stand out.
export const prose = (text = "") =>
  text
    .split("\n\n")
    .filter((part) => part)
    .map((part) => make("p", {}, ...words(part)));

const words = (text) =>
  text
    .split(/(`[^`]+`|\b[A-Z][A-Z_]+\/[A-Z][A-Z_]+\b|\b[A-Z]+_[A-Z_]+\b)/)
    .map((part, at) => (at % 2 ? make("code", {}, part.replaceAll("`", "")) : part));

export const pretty = (value) => JSON.stringify(value, null, 2);

export const codeBlock = (label, text) =>
  make("pre", { tabIndex: 0, role: "region", "aria-label": label }, make("code", {}, text));
