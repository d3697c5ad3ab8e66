package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.conformance.golden.Recorded;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Block;
import anabranch.model.layer.Mixture;
import anabranch.model.plan.Plan;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Source;
import java.util.List;

/** Systems whose experts are drawn: by a hash, by a table, at random. Stateless. */
final class DrawnSystems {
  private static final int EXPERTS = 5;
  private static final long SEED = 17;
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;
  private static final String MIXTURE = "blocks.0.mixture";

  private DrawnSystems() {}

  static List<PublishedSystem> all() {
    return List.of(hashLayers().recordedAs(Recorded.HASH_LAYER_FFN), stochasticExperts());
  }

  private static Tiny model(Router router, int vocabulary) {
    Plan plan = Plan.of(Block.of(bare("mixture", new Mixture(EXPERTS, unit(), router))));
    float[] ones = new float[vocabulary * 2];
    for (int i = 0; i < vocabulary; i++) {
      ones[2 * i] = 1;
    }
    Tiny tiny = Tiny.of(2, vocabulary, plan).give("embedding.tokens", ones);
    for (int e = 0; e < EXPERTS; e++) {
      tiny.copier(MIXTURE + ".experts." + e, 0, 1, e + 1);
    }
    return tiny;
  }

  private static PublishedSystem hashLayers() {
    int vocabulary = 40;
    int[] ids = {3, 9, 3, 39, 0, 9, 9, 21};
    Case preset = model(Routers.hash(SEED), vocabulary).with(ids, new int[] {9, 3, 1});
    return new PublishedSystem(
        "A02",
        "Hash layers",
        "Roller et al. 2021",
        List.of("the hash computed again", "properties"),
        List.of("several tables that each choose a slice (MultiHash)"),
        preset,
        "router.logits.seed",
        spec -> drawnBy(spec, Source.TOKEN_ID, new Logits.TokenHash(SEED + 1)),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                Policy policy = Policy.fullDepth();
                List<Answered> answers = trial.by(policy).run(given.sequences());
                for (int n = 0; n < answers.size(); n++) {
                  Event event = given.sequences().get(n).events().get(0);
                  for (int row = 0; row < event.rows(); row++) {
                    int expected = below(hash(SEED, event.token(row)));
                    int expert = answers.get(n).experts.get(MIXTURE)[row][0];
                    assertEquals(expected, expert, "expert of token " + event.token(row));
                    double exact = expected + 1;
                    double logit = answers.get(n).logits[row][1];
                    assertEquals(exact, logit, trial.tolerance().of(exact), "row " + row);
                  }
                }
                if (trial.batchInvariant()) {
                  Trial.sameBits(answers, trial.by(policy).inSteps(1).run(given.sequences()));
                }
              });
          table(kit, vocabulary, ids);
        });
  }

  /** The table that the hash would give is the hash; a number that is no expert is refused. */
  private static void table(Subject kit, int vocabulary, int[] ids) {
    float[] table = new float[vocabulary];
    for (int id = 0; id < vocabulary; id++) {
      table[id] = below(hash(SEED, id));
    }
    Tiny tabled = model(Routers.hashTable(vocabulary), vocabulary);
    Case good = tabled.give(MIXTURE + ".router.table", table).with(ids);
    Trial.of(
        kit,
        good,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(good.sequences()).get(0);
          for (int row = 0; row < ids.length; row++) {
            int expert = answer.experts.get(MIXTURE)[row][0];
            assertEquals((int) table[ids[row]], expert, "expert by table of " + ids[row]);
          }
        });
    for (float wrong : new float[] {EXPERTS, -1, 0.5f, Float.NaN}) {
      float[] broken = table.clone();
      broken[11] = wrong;
      Case bad = tabled.give(MIXTURE + ".router.table", broken).with(ids);
      assertThrows(
          WeightsException.class,
          () -> kit.backend().load(bad.spec(), bad.weights(), kit.options()),
          "a table that names expert " + wrong);
    }
  }

  private static PublishedSystem stochasticExperts() {
    int rows = 10_000;
    Case preset =
        model(Routers.thor(SEED), 2)
            .with(
                List.of(
                    Sequence.of(Event.ofTokens(new int[rows]).keyed("req-1")),
                    Sequence.of(Event.ofTokens(new int[7]).keyed("req-2"))));
    return new PublishedSystem(
        "A05",
        "THOR, stochastic experts",
        "Zuo et al. 2022",
        List.of("the hash computed again", "frequencies", "properties"),
        List.of(),
        preset,
        "router.source",
        spec -> drawnBy(spec, Source.KEY, new Logits.Random(SEED)),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                Policy policy = Policy.fullDepth();
                List<Answered> answers = trial.by(policy).run(given.sequences());
                int[] counts = new int[EXPERTS];
                for (int row = 0; row < rows; row++) {
                  int expert = answers.get(0).experts.get(MIXTURE)[row][0];
                  counts[expert]++;
                  long key = given.sequences().get(0).events().get(0).key();
                  assertEquals(below(hash(SEED, 0, key, row)), expert, "expert of row " + row);
                }
                double sigma = Math.sqrt(rows * (1.0 / EXPERTS) * (1 - 1.0 / EXPERTS));
                for (int count : counts) {
                  double off = Math.abs(count - rows / (double) EXPERTS);
                  assertTrue(off <= 5 * sigma, "a share is off by " + off);
                }
                if (trial.batchInvariant()) {
                  List<Answered> alone = trial.by(policy).run(given.sequences().subList(1, 2));
                  assertEquals(answers.get(1).bits(), alone.get(0).bits(), "alone or in company");
                }
              });
          wholeSequence(kit, given);
        });
  }

  private static void wholeSequence(Subject kit, Case given) {
    ModelSpec spec = drawnBy(given.spec(), Source.KEY, new Logits.Random(SEED));
    Case whole = new Case(given.name(), spec, given.weights(), given.sequences());
    Trial.of(
        kit,
        whole,
        trial -> {
          List<Answered> answers = trial.by(Policy.fullDepth()).run(whole.sequences());
          for (int n = 0; n < answers.size(); n++) {
            long key = whole.sequences().get(n).events().get(0).key();
            for (int[] row : answers.get(n).experts.get(MIXTURE)) {
              assertEquals(below(hash(SEED, 0, key)), row[0], "expert of sequence " + n);
            }
          }
        });
  }

  private static ModelSpec drawnBy(ModelSpec spec, Source source, Logits logits) {
    return Rewrite.routers(spec, r -> r.with(source, logits));
  }

  private static long hash(long seed, long... words) {
    long hash = seed;
    for (long word : words) {
      hash = mix(hash + GOLDEN + mix(word + GOLDEN));
    }
    return hash;
  }

  private static long mix(long word) {
    long z = word;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private static int below(long hash) {
    return (int) (((hash >>> 32) * EXPERTS) >>> 32);
  }
}
