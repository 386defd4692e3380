// Answers appear while they are made. Without this the page loads itself anew until they are there.
// Everything that comes is put in as text: nothing that a page or a model says becomes part of the document's markup.
(() => {
  "use strict";

  const put = (live, pieces, prefix) => {
    for (const piece of pieces) {
      if (piece.text !== undefined) {
        live.append(piece.text);
      } else if (/^c\d{1,3}$/.test(piece.cite)) {
        const mark = document.createElement("span");
        mark.className = "cite";
        mark.textContent = piece.cite.slice(1);
        live.append(mark);
      }
    }
  };

  // The finished answer is the server's own page, of which only this article is taken.
  const finish = async (article) => {
    try {
      const answered = await fetch(location.pathname, { headers: { accept: "text/html" } });
      if (!answered.ok) throw new Error(String(answered.status));
      const page = new DOMParser().parseFromString(await answered.text(), "text/html");
      const made = page.getElementById(article.id);
      if (!made) throw new Error("gone");
      article.replaceWith(document.importNode(made, true));
    } catch {
      location.reload();
    }
  };

  const follow = (article) => {
    const step = article.querySelector(".step");
    const live = article.querySelector(".live");
    const events = new EventSource(article.dataset.events); // comes back by itself, after the last event that it saw
    events.addEventListener("step", (event) => { step.textContent = `${JSON.parse(event.data).message} …`; });
    events.addEventListener("found", (event) => {
      const { chunks, pages } = JSON.parse(event.data);
      step.textContent = `Reading ${chunks} passages of ${pages} pages …`;
    });
    events.addEventListener("text", (event) => put(live, JSON.parse(event.data).pieces, article.dataset.sources));
    events.addEventListener("done", () => { events.close(); finish(article); });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) finish(article);
    });
  };

  const enter = (box) => box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !box.value.trim()) return;
    event.preventDefault();
    box.form.requestSubmit();
  });

  document.querySelectorAll("article.answer[data-events]").forEach(follow);
  document.querySelectorAll(".question textarea").forEach(enter);
})();
