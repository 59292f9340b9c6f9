// Fixtures run side by side; each has its own databases. A fixture whose tests are independent may say All
// for itself.
[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: FixtureLifeCycle(LifeCycle.SingleInstance)]
