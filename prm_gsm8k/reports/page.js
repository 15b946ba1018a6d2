"use strict";
// Filters and more at a time; without this script every solution is there, one below the other.
for (const browse of document.querySelectorAll(".browse")) {
  const articles = [...browse.querySelectorAll("article")];
  const selects = [...browse.querySelectorAll("select")];
  const find = browse.querySelector("input");
  const more = browse.querySelector(".more");
  const count = browse.querySelector(".count");
  const told = count.textContent;
  const words = articles.map((article) => article.textContent.toLowerCase());
  const atATime = Number(browse.dataset.atATime);
  let upto = atATime;

  const fits = (i, except) =>
    words[i].includes(find.value.trim().toLowerCase()) &&
    selects.every((s) => s === except || !s.value || articles[i].dataset[s.dataset.facet] === s.value);

  function show() {
    let n = 0;
    articles.forEach((article, i) => (article.hidden = !fits(i) || ++n > upto));
    more.hidden = n <= upto;
    const all = n === articles.length;
    count.textContent = all ? told : n ? `${n} of ${articles.length} solutions` : "No solution is like this.";
    for (const select of selects) {
      const values = {};
      articles.forEach((article, i) => {
        const value = article.dataset[select.dataset.facet];
        if (fits(i, select)) values[value] = (values[value] ?? 0) + 1;
      });
      for (const option of [...select.options].slice(1)) option.textContent = `${option.value} (${values[option.value] ?? 0})`;
    }
  }

  function again() {
    upto = atATime;
    show();
  }

  function follow() {
    const target = articles.find((article) => `#${article.id}` === location.hash);
    if (!target) return;
    target.hidden = false;
    target.scrollIntoView();
  }

  for (const select of selects) select.addEventListener("change", again);
  find.addEventListener("input", again);
  more.addEventListener("click", () => {
    const next = articles.findIndex((article, i) => article.hidden && fits(i));
    upto += atATime;
    show();
    articles[next]?.querySelector("a").focus();
  });
  browse.querySelector(".filters").hidden = false;
  show();
  addEventListener("hashchange", follow);
  follow();
}

const theme = document.getElementById("theme");
const root = document.documentElement;
let dark = matchMedia("(prefers-color-scheme: dark)").matches;
function paint() {
  theme.textContent = dark ? "Light" : "Dark";
  theme.setAttribute("aria-label", `Switch to ${dark ? "light" : "dark"} colours`);
}
theme.addEventListener("click", () => {
  dark = !dark;
  root.style.colorScheme = dark ? "dark" : "light";
  paint();
});
theme.hidden = false;
paint();
