// Most of what these tests take is waiting, for a database, for processes and for time to pass: more of them at a time than there are processors end sooner.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
