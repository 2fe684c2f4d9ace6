/**
 * For a thread whose work nobody waits for by the millisecond: where cores are scarce, those that take events
 * come first. Linux gives every thread a priority of its own; elsewhere this would slow the whole process.
 */
import {constants, setPriority} from 'node:os';

export function letEventsPass(): void {
  if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
}
