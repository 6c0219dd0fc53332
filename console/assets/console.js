// What a browser adds to pages that work without it: times in the reader's own zone, an
// overview that stays up to date, and a key that leads to the search.
"use strict";
(() => {
  const page = document.documentElement;
  const two = (n) => String(n).padStart(2, "0");

  function local(t) {
    return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  }

  // As whole in pages.go.
  const units = page.dataset.units.split(" ");
  function whole(seconds) {
    const said = (n, unit) => `${Math.floor(n).toLocaleString("en")} ${units[unit]}`;
    if (seconds < 60) return said(seconds, 0);
    if (seconds < 3600) return said(seconds / 60, 1);
    if (seconds < 48 * 3600) return said(seconds / 3600, 2);
    return said(seconds / 86400, 3);
  }

  function relative(t) {
    const seconds = (t.getTime() - Date.now()) / 1000;
    if (Math.abs(seconds) < 1) return page.dataset.now;
    const text = seconds < 0 ? page.dataset.ago : page.dataset.in;
    return text.replace("{time}", whole(Math.abs(seconds)));
  }

  function say(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function times() {
    for (const node of document.querySelectorAll("time[data-time]")) say(node, local(new Date(node.dateTime)));
    for (const node of document.querySelectorAll("time[data-relative]")) say(node, relative(new Date(node.dateTime)));
  }

  function zone() {
    const east = -new Date().getTimezoneOffset();
    const name = `UTC${east < 0 ? "-" : "+"}${Math.floor(Math.abs(east) / 60)}${east % 60 ? ":" + two(Math.abs(east) % 60) : ""}`;
    for (const node of document.querySelectorAll("[data-zone-minutes]")) node.value = east;
    for (const node of document.querySelectorAll("[data-zone-name]")) say(node, name);
    for (const node of document.querySelectorAll("[data-zone]")) say(node, `${name} ${Intl.DateTimeFormat().resolvedOptions().timeZone}`);
  }

  // What a screen reader reads out when it changes; time going on is no change.
  function spoken(alerts) {
    const copy = alerts.cloneNode(true);
    for (const time of copy.querySelectorAll("time")) time.textContent = "";
    return copy.innerHTML;
  }

  // Put in new content that our own server wrote, and leave the focus where it was. The
  // alerts stay where they are unless there are others, or they would be read out each time.
  function put(node, html) {
    const focused = node.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const alerts = node.querySelector(".alerts");
    const others = fresh.querySelector(".alerts");
    if (spoken(alerts) !== spoken(others)) alerts.replaceChildren(...others.childNodes);
    for (const old of [...node.childNodes]) if (old !== alerts) old.remove();
    others.remove();
    node.append(...fresh.childNodes);
    if (focused) node.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
    times();
  }

  function live(node) {
    const on = document.querySelector("[data-live-mark]");
    const off = document.querySelector("[data-live-off]");
    const mark = (is) => { on.hidden = !is; off.hidden = is; };
    let source;
    const open = () => {
      source = new EventSource(node.dataset.live);
      source.addEventListener("open", () => mark(true));
      source.addEventListener("overview", (e) => { mark(true); put(node, e.data); });
      source.addEventListener("error", () => {
        mark(false);
        if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (!document.hidden) open(); }, 30000);
      });
    };
    // Who does not look needs no stream.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) source?.close();
      else if (!source || source.readyState === EventSource.CLOSED) open();
    });
    if (!document.hidden) open();
  }

  // After an act the page is read anew a few times, and put in where something came of it.
  function follow() {
    const told = document.querySelector("[data-told='told.query'], [data-told='told.close'], [data-told='told.replay']");
    if (!told) return;
    for (const after of [1500, 4000, 10000]) {
      setTimeout(async () => {
        if (document.querySelector("main details[open], main input:focus")) return;
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
        if (!answer?.ok || answer.redirected) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
        const mark = (main) => main.querySelector("[data-mark]")?.dataset.mark;
        if (fresh && mark(fresh) !== mark(document)) {
          document.querySelector("main").replaceChildren(told, ...fresh.childNodes);
          times();
        }
      }, after);
    }
  }

  document.addEventListener("keydown", (e) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) {
      const search = document.querySelector("[data-search]");
      if (search) { e.preventDefault(); search.focus(); search.select(); }
    }
  });

  // Over plain HTTP a browser does not keep the session, and nobody would know why.
  for (const node of document.querySelectorAll("[data-insecure]")) node.hidden = isSecureContext;

  times();
  zone();
  setInterval(times, 1000);
  const node = document.getElementById("live");
  if (node) live(node);
  follow();
})();
