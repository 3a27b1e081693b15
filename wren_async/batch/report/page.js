const search = document.getElementById("search");
const state = document.getElementById("state");
const rows = [...document.querySelectorAll("#orders tbody tr")];
const texts = rows.map((row) => row.textContent.toLowerCase());
const found = document.getElementById("found");

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  rows.forEach((row, place) => {
    const fits = (!state.value || row.dataset.state === state.value) && words.every((word) => texts[place].includes(word));
    row.hidden = !fits;
    count += fits;
  });
  found.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
}

if (search) {
  // Without this script there is nothing to search with.
  search.parentElement.hidden = false;
  search.addEventListener("input", show);
  state.addEventListener("change", show);
  show();
}
