package anabranch.flink;

import java.util.List;
import java.util.concurrent.Callable;

/** What a task does with a model, as code that another class loader can define again. */
public final class SecondJob implements Callable<List<String>> {
  @Override
  public List<String> call() throws Exception {
    Script script = new Script();
    List<String> results;
    try (Bench bench = new Bench(script.recipe(), MicroBatchOptions.defaults())) {
      bench.open();
      bench.feed(40, 2);
      bench.prepareSnapshotPreBarrier(1);
      bench.feed(1, 2);
      bench.endInput();
      results = List.copyOf(bench.results());
    }
    return script.openModels.get() == 0 ? results : List.of("a model is open");
  }
}
