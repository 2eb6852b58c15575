// Shows the figures of the sample under the pointer. The page is complete without it.
for (const svg of document.querySelectorAll("svg[data-x]")) {
  const places = svg.dataset.x.split(" ").map(Number);
  const said = svg.dataset.say.split("|");
  const cross = svg.querySelector(".cross");
  const output = svg.closest("figure").querySelector("output");
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) * svg.viewBox.baseVal.width) / box.width;
    let nearest = 0;
    places.forEach((place, index) => {
      nearest = Math.abs(place - x) - Math.abs(places[nearest] - x) >= 0 ? nearest : index;
    });
    cross.setAttribute("x1", places[nearest]);
    cross.setAttribute("x2", places[nearest]);
    cross.style.visibility = "visible";
    output.textContent = said[nearest];
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", () => {
    cross.style.visibility = "hidden";
    output.textContent = "";
  });
}
