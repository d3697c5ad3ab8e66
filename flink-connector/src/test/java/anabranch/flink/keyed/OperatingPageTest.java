package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.InferenceMetrics;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.SimpleCounter;
import org.junit.jupiter.api.Test;

/** The metrics of {@code docs/operating.md} are those that operators register. */
class OperatingPageTest {
  private static final Path PAGE =
      Path.of(System.getProperty("basedir", "."), "..", "docs", "operating.md");
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `(inference\\.[\\w.]+)` \\| (\\w+) \\|");

  private final Map<String, String> registered = new TreeMap<>();

  @Test
  void everyMetricIsInTheTableAndNoOther() throws Exception {
    Talk talk = new Talk();
    new InferenceMetrics(group(""), talk.recipe(), () -> 0, () -> 0);
    new SequenceMetrics(group(""), () -> 0, () -> 0);
    Map<String, String> named = new TreeMap<>();
    registered.forEach(
        (name, kind) -> {
          String general = name.replace("model.talk", "model.MODEL");
          for (Exit exit : talk.spec.plan().exits()) {
            general = general.replace("exit." + exit.id() + ".", "exit.EXIT.");
          }
          named.put(general.replace("exit.end.", "exit.EXIT."), kind);
        });
    assertEquals(table(), named);
  }

  @Test
  void anExitWithTheNameOfTheEndIsCountedApart() {
    ModelSpec talk = Talk.spec(8);
    Head head = talk.head();
    Block block = Block.of(Sublayer.preNorm(head.norm(), FeedForward.plain(4, Activation.RELU)));
    Exit exit = new Exit("end", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    ModelSpec spec =
        new ModelSpec(
            "ends",
            8,
            talk.input(),
            talk.embedding(),
            Plan.builder().add(block).add(exit).add(block).build(),
            head);
    ModelRecipe recipe = ModelRecipe.of("talking", spec, model -> Weights.random(model, 1));
    new InferenceMetrics(group(""), recipe, () -> 0, () -> 0);
    assertEquals(
        List.of("exit:end", "end"),
        List.of("exit:end", "end").stream()
            .filter(name -> registered.containsKey("inference.model.ends.exit." + name + ".units"))
            .toList());
  }

  private static Map<String, String> table() throws IOException {
    Map<String, String> rows = new TreeMap<>();
    for (MatchResult row : ROW.matcher(Files.readString(PAGE)).results().toList()) {
      rows.put(row.group(1), row.group(2));
    }
    return rows;
  }

  /** Returns a group that notes what is registered in it and in those below. */
  private MetricGroup group(String path) {
    return (MetricGroup)
        Proxy.newProxyInstance(
            MetricGroup.class.getClassLoader(),
            new Class<?>[] {MetricGroup.class},
            (group, method, arguments) -> {
              String name = method.getName();
              if (name.equals("addGroup")) {
                StringBuilder below = new StringBuilder(path);
                for (Object part : arguments) {
                  below.append(part).append('.');
                }
                return group(below.toString());
              }
              registered.put(path + arguments[0], name);
              return name.equals("counter") ? new SimpleCounter() : arguments[1];
            });
  }
}
