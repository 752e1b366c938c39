/** A defect nobody caught is said once, by `say`, and then the process ends; whoever supervises it starts a fresh one. */
export function endOnDefect(say: (error: unknown) => void): void {
  const end = (error: unknown): void => {
    say(error);
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
