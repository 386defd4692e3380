// The trace grows while people watch. Without this the page loads itself anew until the report is there.
// All markup is the server's own page, of which new entries are taken; what a model writes is put in as text.
(() => {
  "use strict";

  const fetched = async () => {
    const answered = await fetch(location.pathname, { headers: { accept: "text/html" } });
    if (!answered.ok) throw new Error(String(answered.status));
    const page = new DOMParser().parseFromString(await answered.text(), "text/html");
    const article = page.getElementById("wiki:research");
    if (!article) throw new Error("gone");
    return article;
  };

  const follow = (article) => {
    const step = article.querySelector(".step");
    const live = article.querySelector(".live");
    const trace = article.querySelector(".trace");
    let growing = Promise.resolve();
    let ended = false;

    const finish = () => {
      if (ended) return;
      ended = true;
      growing = growing.then(async () => {
        article.replaceWith(document.importNode(await fetched(), true));
      }).catch(() => location.reload());
    };

    let wanted = false;
    const grow = () => {
      if (wanted || ended) return;
      wanted = true;
      growing = growing.then(async () => {
        wanted = false;
        const made = await fetched();
        for (const entry of made.querySelectorAll(".trace > li")) {
          if (document.getElementById(entry.id)) continue;
          const shown = document.importNode(entry, true);
          shown.classList.add("new");
          trace.append(shown);
        }
      }).catch(() => {});
    };

    const events = new EventSource(article.dataset.events); // comes back by itself, after the last event that it saw
    events.addEventListener("step", (event) => {
      const { message, section } = JSON.parse(event.data);
      step.textContent = `${message} …`;
      if (section !== undefined) live.textContent = "";
    });
    events.addEventListener("text", (event) => {
      for (const piece of JSON.parse(event.data).pieces) {
        if (piece.text !== undefined) {
          live.append(piece.text);
        } else if (/^c\d{1,3}$/.test(piece.cite)) {
          const mark = document.createElement("span");
          mark.className = "cite";
          mark.textContent = piece.cite.slice(1);
          live.append(mark);
        }
      }
    });
    for (const name of ["plan", "looked", "gaps", "contradictions", "section", "note", "resumed"]) {
      events.addEventListener(name, () => {
        if (name === "section") live.textContent = "";
        grow();
      });
    }
    events.addEventListener("done", () => { events.close(); finish(); });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) finish();
    });
  };

  const enter = (box) => box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !box.value.trim()) return;
    event.preventDefault();
    box.form.requestSubmit();
  });

  document.querySelectorAll("article.report[data-events]").forEach(follow);
  document.querySelectorAll(".question textarea").forEach(enter);
})();
