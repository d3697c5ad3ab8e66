package anabranch.engine.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.Engine;
import anabranch.engine.EngineListener;
import anabranch.engine.EngineOptions;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.schedule.Mode;
import anabranch.model.ModelSpec;
import anabranch.model.SampleRouters;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Statistic;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MicrometerBinderTest {
  private static final EngineOptions OPTIONS = EngineOptions.defaults();
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `([a-z_.]+)` \\| (\\w+) \\| (\\S+) \\| ([\\w., ]+) \\| [^|]+ \\|$");

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final EngineMetrics metrics = new EngineMetrics();

  /** M6. */
  @Test
  void theTableHasWhatIsShownAndNothingElse() throws IOException {
    try (Engine engine = engine(Scripts.causal(), OPTIONS.withTrace(true))) {
      new MicrometerBinder(metrics, engine).bindTo(registry);
      metrics.serves("routed", SampleRouters.mixtures(), true);
      metrics.serves("points", points(), true);
      Map<String, String> shown = new TreeMap<>();
      for (Meter meter : registry.getMeters()) {
        String name = meter.getId().getName();
        String before = shown.put(name, row(meter));
        assertTrue(before == null || before.equals(shown.get(name)), name + " has two shapes");
      }
      Map<String, String> table = table();
      assertEquals(32, table.size(), "rows of docs/metrics.md");
      for (String name : Set.copyOf(table.keySet())) {
        if (table.get(name).matches("(timer|summary) .*")) {
          String keys = table.get(name).replaceFirst("\\w+ \\S+ \\[", "").replace("]", "");
          table.put(name + ".bucket", "counter - " + sorted(keys + ", le"));
        }
      }
      assertEquals(table, shown);
    }
  }

  private static ModelSpec points() {
    return Scripts.spec(
        Head.Pool.MEAN,
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(new Prune("thin", Criterion.Score.LEARNED, List.of()))
            .add(Scripts.loop("again", 1, 2, Head.Pool.MEAN, Bypass.TERMINATE))
            .add(Scripts.block(Scripts.FULL))
            .build());
  }

  /** Returns name, kind, unit and attributes; what stands in braces is no unit. */
  private static Map<String, String> table() throws IOException {
    Path docs = Path.of(System.getProperty("basedir", "."), "..", "docs", "metrics.md");
    Map<String, String> rows = new TreeMap<>();
    for (MatchResult row : ROW.matcher(Files.readString(docs)).results().toList()) {
      String unit = row.group(3).matches("\\{\\w+}|1") ? "-" : row.group(3);
      rows.put(row.group(1), row.group(2) + " " + unit + " " + sorted(row.group(4)));
    }
    return rows;
  }

  private static String sorted(String keys) {
    return new TreeSet<>(List.of(keys.split(", "))).toString();
  }

  private static String row(Meter meter) {
    String kind =
        meter instanceof FunctionTimer
            ? "timer s"
            : meter instanceof FunctionCounter
                ? "counter -"
                : meter instanceof Gauge ? "gauge " + unit(meter) : "summary -";
    Set<String> keys =
        meter.getId().getTags().stream()
            .map(Tag::getKey)
            .collect(Collectors.toCollection(TreeSet::new));
    return kind + " " + keys;
  }

  private static String unit(Meter meter) {
    return "bytes".equals(meter.getId().getBaseUnit()) ? "By" : "-";
  }

  /** M2: whatever items are called, and however many policies there are. */
  @Test
  void nothingOfAnItemIsAnAttributeAndSeriesAreBounded() {
    try (Engine engine = engine(Scripts.causal(), OPTIONS)) {
      new MicrometerBinder(metrics, engine).bindTo(registry);
      run(engine, 0, EngineMetrics.POLICIES);
      int bound = registry.getMeters().size();
      run(engine, EngineMetrics.POLICIES, 100);
      for (int v = 0; v < 20; v++) {
        engine.swap("v" + v, new ScriptedModel(Scripts.causal()), Scripts.both()).join();
        run(engine, 0, 100);
        assertTrue(
            registry.getMeters().size() <= EngineMetrics.VERSIONS * bound,
            registry.getMeters().size() + " meters, " + bound + " of a version");
      }
      for (Meter meter : registry.getMeters()) {
        for (Tag tag : meter.getId().getTags()) {
          assertFalse(tag.getValue().contains("secret"), meter.getId().toString());
          assertFalse(tag.getValue().contains("987654321"), meter.getId().toString());
        }
      }
    }
  }

  private static void run(Engine engine, int from, int to) {
    for (int i = from; i < to; i++) {
      Event event = Event.ofTokens(10, 12).keyed("secret" + 987654321L + i);
      engine.infer(Item.of("secret" + i, event).withPolicy(Policy.named("p" + i).with("a", 1)));
    }
  }

  @Test
  void metersReadWhatWasCounted() {
    try (Engine engine = engine(Scripts.causal(), OPTIONS.withMode(Mode.COMPACT))) {
      new MicrometerBinder(metrics, engine, Tags.of("place", "here"), 0).bindTo(registry);
      engine.infer(Scripts.item(10, 11, 12));
      engine.infer(Scripts.item(10).withForcedExits(List.of(1)));
    }
    Snapshot.Model model = metrics.snapshot().models().get(0);
    assertEquals(
        2,
        count("anabranch.items", "outcome", "answered", "policy.version", "both", "place", "here"));
    assertEquals(0, count("anabranch.items", "outcome", "failed", "policy.version", "both"));
    assertEquals(1, count("anabranch.exit.count", "exit.point", "a", "reason", "criterion"));
    assertEquals(1, count("anabranch.exit.count", "exit.point", "b", "reason", "criterion"));
    assertEquals(1, count("anabranch.exit.count", "exit.point", "b", "reason", "forced"));
    assertEquals(1, count("anabranch.exit.count", "exit.point", "end", "reason", "final"));
    assertEquals(
        model.flops().blocks(), count("anabranch.flops.executed", "part", "block"), "block");
    assertEquals(model.flops().full(), count("anabranch.flops.full"));
    assertEquals(4, count("anabranch.rows.live", "stage", "0"));
    assertEquals(2, count("anabranch.batch.size.bucket", "stage", "0", "le", "4.0"));
    assertEquals(1, count("anabranch.batch.size.bucket", "stage", "0", "le", "1.0"));
    assertEquals(2, count("anabranch.batch.size.bucket", "stage", "0", "le", "+Inf"));
    FunctionTimer timer =
        registry.get("anabranch.stage.duration").tag("stage", "2").functionTimer();
    assertEquals(model.steps().get(2).duration().count(), timer.count());
    assertEquals(model.steps().get(2).duration().total(), timer.totalTime(TimeUnit.SECONDS), 1e-9);
    Meter size = registry.get("anabranch.batch.size").tag("stage", "0").meter();
    size.measure()
        .forEach(
            each -> assertEquals(each.getStatistic() == Statistic.COUNT ? 2 : 4, each.getValue()));
  }

  private double count(String name, String... tags) {
    return registry.get(name).tags(tags).functionCounter().count();
  }

  /** One item runs in the first step, and two wait before it. */
  @Test
  void gaugesSayWhatWaitsNow() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    CountDownLatch runs = new CountDownLatch(1);
    CountDownLatch looked = new CountDownLatch(1);
    model.before =
        batch -> {
          if (batch.slot() == 1) {
            runs.countDown();
            Scripts.await(looked);
          }
        };
    try (Engine engine = Engine.open(model, Scripts.both(), OPTIONS, metrics)) {
      new MicrometerBinder(metrics, engine).bindTo(registry);
      engine.submit(Scripts.item(12, 22, 32));
      Scripts.await(runs);
      engine.submit(Scripts.item(12));
      engine.submit(Scripts.item(12));
      assertEquals(2, gauge("anabranch.queue.length", "stage", "0"));
      assertEquals(0, gauge("anabranch.queue.length", "stage", "1"));
      assertEquals(3, gauge("anabranch.inflight"));
      assertEquals(24, gauge("anabranch.inflight.bytes"));
      assertEquals(0, gauge("anabranch.fill.bytes"));
      looked.countDown();
    }
  }

  private double gauge(String name, String... tags) {
    return registry.get(name).tags(tags).gauge().value();
  }

  @Test
  void expertsOfLargeLayersHaveNoCounterOfTheirOwn() {
    try (Engine engine = engine(Scripts.causal(), OPTIONS)) {
      new MicrometerBinder(metrics, engine, Tags.empty(), 3).bindTo(registry);
      metrics.serves("script", Batches.mixture(), true);
      assertTrue(registry.find("anabranch.expert.tokens").meters().isEmpty());
      assertEquals(1, registry.find("anabranch.expert.load.cv").meters().size());
    }
  }

  @Test
  void closingRemovesEveryMeterAndEndsListening() {
    try (Engine engine = engine(Scripts.causal(), OPTIONS)) {
      MicrometerBinder binder = new MicrometerBinder(metrics, engine);
      binder.bindTo(registry);
      SimpleMeterRegistry other = new SimpleMeterRegistry();
      binder.bindTo(other);
      assertEquals(registry.getMeters().size(), other.getMeters().size());
      assertFalse(registry.getMeters().isEmpty());
      binder.close();
      binder.close();
      metrics.serves("next", Scripts.causal(), false);
      metrics.completed("next", "p", EngineListener.Outcome.ANSWERED, 1, 1, 1);
      assertEquals(List.of(), registry.getMeters());
      assertEquals(List.of(), other.getMeters());
      assertThrows(IllegalStateException.class, () -> binder.bindTo(registry));
    }
  }

  private Engine engine(ModelSpec spec, EngineOptions options) {
    return Engine.open(new ScriptedModel(spec), Scripts.both(), options, metrics);
  }
}
