// A text that is longer than a wide stage: nobody can scroll a television, so it turns its pages by itself.
//
// Whoever can scroll does: from then on it stays where it is put (WCAG 2.2.2).
const LETTERS_A_SECOND = 12; // somebody may read it aloud
const LEAST_MILLISECONDS = 8000;
const KEPT_LINES = 2; // of the page before
const LINE = 1.4; // em

export class Reading {
  // `element` has the text and scrolls; `still()` says that nothing may move.
  constructor(element, still) {
    this.element = element;
    this.still = still;
    this.read = "";
    this.timer = 0;
    for (const type of ["wheel", "pointerdown", "keydown"]) {
      element.addEventListener(type, () => clearTimeout(this.timer), { passive: true });
    }
    element.addEventListener("scroll", () => this._mark(), { passive: true });
  }

  // The element has this text and size now; `isOn` if it may scroll. Another text, or another size, is read from its top.
  follow(isOn) {
    const { scrollHeight, clientHeight, textContent } = this.element;
    const isLong = isOn && scrollHeight > clientHeight + 1;
    const read = isLong ? `${scrollHeight} ${clientHeight} ${textContent}` : "";
    if (read === this.read) return;
    this.read = read;
    clearTimeout(this.timer);
    this.element.scrollTop = 0;
    if (isLong) this.element.tabIndex = 0;
    else this.element.removeAttribute("tabindex");
    this._mark();
    if (isLong) this._wait();
  }

  _wait() {
    const { scrollHeight, clientHeight, textContent } = this.element;
    const seconds = ((textContent.length / LETTERS_A_SECOND) * clientHeight) / scrollHeight;
    this.timer = setTimeout(() => this._turn(), Math.max(LEAST_MILLISECONDS, 1000 * seconds));
  }

  _turn() {
    const { scrollHeight, clientHeight, scrollTop } = this.element;
    const line = LINE * parseFloat(getComputedStyle(this.element).fontSize);
    const top = this._isAtEnd() ? 0 : Math.min(scrollTop + clientHeight - KEPT_LINES * line, scrollHeight - clientHeight);
    this.element.scrollTo({ top, behavior: this.still() ? "auto" : "smooth" });
    this._wait();
  }

  _isAtEnd() {
    const { scrollHeight, clientHeight, scrollTop } = this.element;
    return scrollTop + clientHeight > scrollHeight - 2;
  }

  // Where it goes on, its lines fade.
  _mark() {
    this.element.classList.toggle("has-before", Boolean(this.read) && this.element.scrollTop > 2);
    this.element.classList.toggle("has-more", Boolean(this.read) && !this._isAtEnd());
  }

  close() {
    clearTimeout(this.timer);
  }
}
