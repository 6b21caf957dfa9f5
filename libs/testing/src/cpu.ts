/** How many seconds of a processor this process takes for some work, whatever else the machine does meanwhile; an error that ends the work counts as its end. */
export const cpuSeconds = async (work: () => unknown): Promise<number> => {
  const before = process.cpuUsage();
  await Promise.resolve()
    .then(work)
    .catch(() => undefined);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};
