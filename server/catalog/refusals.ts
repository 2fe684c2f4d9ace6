import type {Problem} from '../../engine/definitions/definition.ts';

/** Understood but wrong: every fault, each with its place. Nothing was changed. */
export class Unacceptable extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({path, message}) => `${path}: ${message}`).join('; '));
    this.name = 'Unacceptable';
    this.problems = problems;
  }
}

/** Right in itself, but at odds with what exists. Nothing was changed. */
export class Conflict extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Conflict';
  }
}

/** The change is durable, but a shard could not be told of it; it is told when the server starts again. */
export class NotTold extends Error {
  constructor(cause: unknown) {
    super('the change is saved but not yet in effect', {cause});
    this.name = 'NotTold';
  }
}
