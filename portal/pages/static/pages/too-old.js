// For browsers that know no modules: the page says that they are too old.
document.getElementById("too-old").hidden = false;
