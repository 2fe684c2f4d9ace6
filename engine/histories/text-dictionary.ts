/** Text values of histories as numbers: equal text is one number while any history still holds it. */
import {must} from '../assert.ts';

export class TextDictionary {
  #ids = new Map<string, number>();
  #texts: (string | undefined)[] = [];
  #uses: number[] = [];
  #free: number[] = [];

  acquire(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#free.pop() ?? this.#texts.length;
      this.#ids.set(text, id);
      this.#texts[id] = text;
      this.#uses[id] = 0;
    }
    this.#uses[id]!++;
    return id;
  }

  release(id: number): void {
    if (--this.#uses[id]! > 0) return;
    this.#ids.delete(this.text(id));
    this.#texts[id] = undefined;
    this.#free.push(id);
  }

  text(id: number): string {
    return must(this.#texts[id], 'a text in use is known');
  }
}
