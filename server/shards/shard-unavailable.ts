/** A shard that is asked is not there; it is being started again. */
export class ShardUnavailableError extends Error {
  constructor() {
    super('a shard is restarting; try again in a moment');
  }
}
