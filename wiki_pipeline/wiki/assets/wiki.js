// What the wiki does beyond HTML and CSS. Every page works without it.
// It finds its places by class and never by the ids or names that pages' own text may bring along.
(() => {
  "use strict";

  // --- dark and light: as the system has it until the reader chooses ---
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const store = (value) => { try { localStorage.setItem("theme", value); } catch { /* private mode: for this page only */ } };
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (stored() === "dark" || stored() === "light") root.dataset.theme = stored();

  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const themes = () => {
    for (const button of all("button.theme")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        root.dataset.theme = dark() ? "light" : "dark";
        store(root.dataset.theme);
      });
    }
  };

  // --- `/` goes to the search box ---
  const slash = () => document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const boxes = all("main input[type=search], header input[type=search]").filter((box) => box.offsetParent);
    const box = boxes.find((one) => one.closest("main")) || boxes[0];
    if (box) { event.preventDefault(); box.focus(); box.select(); }
  });

  // --- the page shown is in sight in the tree ---
  const showCurrent = () => {
    const tree = document.querySelector("nav.tree");
    const current = tree?.querySelector("ul [aria-current=page]");
    if (!current || tree.scrollHeight <= tree.clientHeight) return;
    tree.scrollTop = current.getBoundingClientRect().top - tree.getBoundingClientRect().top - tree.clientHeight / 3;
  };

  // --- the heading being read is marked in the table of contents ---
  const spy = () => {
    const links = new Map(all(".aside a").map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
    const headings = all(".prose :is(h1, h2, h3, h4)[id]").filter((heading) => links.has(heading.id));
    if (!headings.length) return;
    const mark = () => {
      const line = innerHeight / 4;
      const bottom = scrollY + innerHeight >= root.scrollHeight - 2;
      const passed = headings.filter((heading) => heading.getBoundingClientRect().top < line);
      const here = bottom ? headings.at(-1) : passed.at(-1) || headings[0];
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(here.id).setAttribute("aria-current", "true");
    };
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mark(); });
    }, { passive: true });
    mark();
  };

  // --- code can be copied ---
  const copies = () => {
    if (!navigator.clipboard) return;
    for (const block of all("pre.highlight")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(block.querySelector("code").textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      const frame = document.createElement("div");
      frame.className = "code-frame";
      block.replaceWith(frame);
      frame.append(block, button);
    }
  };

  // --- `#L3-L9` marks lines; shift and click extends the mark ---
  const lines = () => {
    const source = document.querySelector("pre.source code");
    if (!source) return;
    const numbered = all(".line", source);
    const range = () => {
      const found = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
      if (!found) return null;
      const ends = [Number(found[1]), Number(found[2] || found[1])];
      return [Math.min(...ends), Math.max(...ends)];
    };
    const mark = (scroll) => {
      const marked = range();
      numbered.forEach((line, place) => line.classList.toggle("marked", !!marked && place + 1 >= marked[0] && place + 1 <= marked[1]));
      if (scroll && marked) numbered[marked[0] - 1]?.scrollIntoView({ block: "center" });
    };
    source.addEventListener("click", (event) => {
      const number = event.target.closest("a.number")?.dataset.line;
      const from = range();
      if (!number || !event.shiftKey || !from) return;
      event.preventDefault();
      const [first, last] = [from[0], Number(number)].sort((one, other) => one - other);
      history.replaceState(null, "", `#L${first}-L${last}`);
      mark(false);
    });
    addEventListener("hashchange", () => mark(false));
    mark(true);
  };

  document.addEventListener("DOMContentLoaded", () => {
    themes();
    slash();
    showCurrent();
    spy();
    copies();
    lines();
  });
})();
