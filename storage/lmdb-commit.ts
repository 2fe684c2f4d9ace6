/** Full, or failing: nothing of the write is there. */
export class DiskRefusedError extends Error {}

/**
 * Awaits an LMDB write. When the disk refuses it, lmdb rejects a second promise that hangs on the error
 * of the first and that nobody else would hold; it has the disk's own words (a full disk shows as EIO).
 */
export async function committed<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    const cause = await causeOf(error);
    throw new DiskRefusedError(`the disk refused a write: ${cause}`, {cause: error});
  }
}

async function causeOf(error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  if (!('commitError' in error) || !(error.commitError instanceof Promise)) return error.message;
  try {
    await error.commitError;
  } catch (cause) {
    if (cause instanceof Error) return cause.message;
  }
  return error.message;
}
