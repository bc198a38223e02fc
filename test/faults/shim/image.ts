/** The bytes of a file. */
export class Image {
  #buffer: Buffer;
  #length: number;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A gap before `at` reads as zeros. */
  write(at: number, data: Buffer): void {
    this.#reach(at + data.length);
    data.copy(this.#buffer, at);
    this.#length = Math.max(this.#length, at + data.length);
  }

  truncate(length: number): void {
    this.#reach(length);
    this.#buffer.fill(0, length);
    this.#length = length;
  }

  #reach(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.alloc(length * 2);
    this.bytes.copy(larger);
    this.#buffer = larger;
  }
}
