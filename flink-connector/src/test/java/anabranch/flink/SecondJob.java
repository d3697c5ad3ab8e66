package anabranch.flink;

import anabranch.backend.Event;
import anabranch.engine.Item;
import anabranch.flink.model.EngineLease;
import java.util.concurrent.Callable;

/** What a job does with a model, as code that another class loader can define again. */
public final class SecondJob implements Callable<Float> {
  @Override
  public Float call() throws Exception {
    Script script = new Script();
    float answer;
    try (EngineLease lease = EngineLease.take(script.recipe(), SecondJob.class.getClassLoader())) {
      answer = lease.engine().infer(Item.of("sum", Event.ofTokens(40, 2))).logits(0).get(0);
    }
    return script.openModels.get() == 0 ? answer : Float.NaN;
  }
}
