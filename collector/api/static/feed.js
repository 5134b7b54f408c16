// Server-sent events of /live: says when something new was stored. Where there are none, it says so, and tries again.

const AGAIN_MS = 60000;

/** One stream at most, open between `open` and `close`. */
export class Feed {
  /** @type {EventSource | undefined} */
  #source;
  /** @type {number | undefined} */
  #again;
  #news;
  #changed;

  /**
   * @param {() => void} news something was stored, or may have been while nobody listened
   * @param {() => void} changed the stream came or went
   */
  constructor(news, changed) {
    this.#news = news;
    this.#changed = changed;
  }

  /** Whether news would arrive now. */
  get flows() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  open() {
    if (this.#source) return;
    const source = new EventSource("/live");
    this.#source = source;
    source.addEventListener("open", () => {
      this.#changed();
      this.#news();
    });
    source.addEventListener("stored", () => this.#news());
    source.addEventListener("error", () => {
      // A stream that broke is taken up again by the browser; one that was refused is not.
      if (source.readyState === EventSource.CLOSED && this.#source === source) {
        this.close();
        this.#again = setTimeout(() => this.open(), AGAIN_MS);
      }
      this.#changed();
    });
  }

  close() {
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }
}
