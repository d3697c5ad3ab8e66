package anabranch.conformance.faulty;

import anabranch.backend.Backend;
import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.error.Unsupported;
import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.ModelSpec;
import anabranch.model.Parameter;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Every fault, and the test of the kit that must reject it. */
final class Faults {
  private Faults() {}

  /**
   * One way to be wrong.
   *
   * @param name what is wrong, in words
   * @param backend a backend with this fault and no other
   * @param rejectedBy the tests of the kit that must fail
   */
  record Fault(String name, Backend backend, List<String> rejectedBy) {}

  private static Fault fault(String name, Backend backend, String... rejectedBy) {
    return new Fault(name, backend, List.of(rejectedBy));
  }

  static List<Fault> all() {
    List<Fault> all = new ArrayList<>();
    all.addAll(arithmetic());
    all.addAll(routing());
    all.addAll(exits());
    all.addAll(rows());
    all.addAll(batches());
    all.addAll(lifecycle());
    return all;
  }

  private static List<Fault> arithmetic() {
    return List.of(
        fault(
            "logits are constant",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Told.logits(super.run(model, stage, batch), logit -> 0.25);
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth",
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave"),
        fault(
            "blocks do nothing",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().matches("blocks\\..*\\.(down|o)\\..*") ? zero(tensor) : tensor;
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "weights are rounded to half the bits",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                FloatBuffer values = numbers(tensor);
                for (int i = 0; i < values.limit(); i++) {
                  int bits = Float.floatToIntBits(values.get(i)) & 0xFFFF0000;
                  values.put(i, Float.intBitsToFloat(bits));
                }
                return MemoryWeights.tensor(tensor.name(), tensor.shape(), values.array());
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "learned positions start at 1",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                if (!tensor.name().equals("embedding.positions")) {
                  return tensor;
                }
                float[] values = numbers(tensor).array();
                float[] shifted = new float[values.length];
                int width = tensor.shape().get(1);
                for (int i = 0; i < values.length; i++) {
                  shifted[i] = values[(i + width) % values.length];
                }
                return MemoryWeights.tensor(tensor.name(), tensor.shape(), shifted);
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "n-grams begin with another id",
            new Rewritten() {
              @Override
              Embedding change(Embedding embedding) {
                Embedding.Ngrams ngrams = embedding.ngrams();
                return ngrams == null
                    ? embedding
                    : embedding.withNgrams(
                        new Embedding.Ngrams(
                            ngrams.orders(),
                            ngrams.buckets(),
                            ngrams.inner(),
                            ngrams.begin() == 0 ? 1 : 0));
              }
            },
            "ngramsReachOverTheBorderOfACall"),
        fault(
            "GELU is SiLU",
            new Rewritten() {
              @Override
              FeedForward change(FeedForward network) {
                return network.activation() != Activation.GELU
                    ? network
                    : new FeedForward(
                        network.inner(), Activation.SILU, network.gated(), network.bias());
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "rotary positions are left out",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return new Attention(
                    attention.heads(),
                    attention.keyValueHeads(),
                    attention.headWidth(),
                    attention.mask(),
                    null,
                    attention.bias());
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "causal attention reads later rows",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return new Attention(
                    attention.heads(),
                    attention.keyValueHeads(),
                    attention.headWidth(),
                    Attention.Mask.FULL,
                    attention.rotary(),
                    attention.bias());
              }
            },
            "laterRowsNeverChangeEarlierOnes",
            "everyUnitAnswersAsTheOracleAtFullDepth"));
  }

  private static List<Fault> routing() {
    return List.of(
        fault(
            "ties go to the higher expert",
            new Rewritten() {
              @Override
              Preference change(Preference preference) {
                return new Preference(true, preference.groups());
              }
            },
            "tiesGoToTheLowerExpert"),
        fault(
            "gates are not normalised",
            new Rewritten() {
              @Override
              Gate change(Gate gate) {
                return new Gate(gate.of(), null, gate.scale());
              }
            },
            "gatesOfOneTokenSumToOneWhereNormalised",
            "equalExpertsAreOnePlainNetwork"),
        fault(
            "softmax over the selected where over all",
            new Rewritten() {
              @Override
              Gate change(Gate gate) {
                return gate.of() == Gate.Of.SCORE
                    ? new Gate(Gate.Of.SOFTMAX_OF_SELECTED, gate.normalise(), gate.scale())
                    : gate;
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "groups are ignored",
            new Rewritten() {
              @Override
              Preference change(Preference preference) {
                return new Preference(preference.correction(), null);
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "the correction is ignored",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().endsWith("router.correction") ? zero(tensor) : tensor;
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "the gate multiplies the result where the input",
            new Rewritten() {
              @Override
              Placement change(Placement placement) {
                return Placement.OUTPUT;
              }
            },
            "everyNamedRouterPicksAsTheOracle"),
        fault(
            "a learned router where hashes choose",
            new Rewritten() {
              @Override
              Router change(Router router) {
                return router.source() == Source.HIDDEN
                    ? router
                    : new Router(
                        Source.HIDDEN,
                        new Logits.Linear(false),
                        router.score(),
                        router.preference(),
                        router.selection(),
                        router.gate(),
                        router.capacity(),
                        router.placement());
              }

              @Override
              Tensor added(Parameter parameter) {
                float[] values = new float[(int) parameter.elements()];
                for (int i = 0; i < values.length; i++) {
                  values[i] = (float) Math.sin(7 * i);
                }
                return MemoryWeights.tensor(parameter.name(), parameter.shape(), values);
              }
            },
            "hashedRowsOfOneTokenSeeOneExpert"),
        fault(
            "the traced gates are shares of one",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return new Told(super.run(model, stage, batch)) {
                  @Override
                  public Trace trace() {
                    List<Trace.Choices> equal = new ArrayList<>();
                    for (Trace.Choices told : super.trace().choices()) {
                      float[] gates = new float[told.gates().remaining()];
                      Arrays.fill(gates, 1f / told.k());
                      equal.add(
                          new Trace.Choices(
                              told.path(), told.k(), told.experts(), FloatBuffer.wrap(gates)));
                    }
                    return new Trace(equal);
                  }
                };
              }
            },
            "allExpertsOnIsTheWeightedSumOfDenseNetworks",
            "everyNamedRouterPicksAsTheOracle"));
  }

  private static List<Fault> exits() {
    return List.of(
        fault(
            "the score is that of another criterion",
            new Rewritten() {
              @Override
              Exit change(Exit exit) {
                Exit.Criterion.Score[] scores = Exit.Criterion.Score.values();
                Exit.Criterion.Score next =
                    scores[(exit.criterion().score().ordinal() + 1) % scores.length];
                return new Exit(
                    exit.id(),
                    exit.head(),
                    new Exit.Criterion(next, exit.criterion().comparison()),
                    exit.bypass());
              }
            },
            "everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave"),
        fault(
            "exits answer with the final head",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().matches("exits\\.[^.]*\\.weight")
                    ? named(tensor.name(), all.tensor("head.weight"))
                    : tensor;
              }
            },
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave",
            "leavingEarlyIsTheModelThatEndsThere"),
        fault(
            "the end answers with the head of an exit",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                return tensor.name().equals("head.weight")
                    ? all.names().stream()
                        .filter(name -> name.matches("exits\\.[^.]*\\.weight"))
                        .findFirst()
                        .map(name -> named("head.weight", all.tensor(name)))
                        .orElse(tensor)
                    : tensor;
              }
            },
            "fullDepthIsTheModelWithoutExits"),
        fault(
            "exit heads have no norm",
            new Rewritten() {
              @Override
              Exit change(Exit exit) {
                Head head = exit.head();
                return new Exit(
                    exit.id(),
                    new Head(head.pool(), null, head.outputs(), head.bias()),
                    exit.criterion(),
                    exit.bypass());
              }
            },
            "everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave"),
        fault(
            "outputs come in the order of the batch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return new Told(super.run(model, stage, batch)) {
                  @Override
                  public void output(int[] units, ByteBuffer into) {
                    super.output(Arrays.stream(units).sorted().toArray(), into);
                  }
                };
              }
            },
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave"),
        fault(
            "outputs are big-endian whatever the buffer says",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return new Told(super.run(model, stage, batch)) {
                  @Override
                  public void output(int[] units, ByteBuffer into) {
                    ByteOrder order = into.order();
                    super.output(units, into.order(ByteOrder.BIG_ENDIAN));
                    into.order(order);
                  }
                };
              }
            },
            "anEngineAnswersAsTheOracle"));
  }

  private static List<Fault> rows() {
    return List.of(
        fault(
            "frozen rows are no keys",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Regrouped.apart(model, stage, batch);
              }
            },
            "frozenRowsStayKeysAsTheyLeft",
            "everyUnitAnswersAsTheOracleWhereItIsForcedToLeave"),
        fault(
            "frozen rows are computed on",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                return Regrouped.thawed(model, stage, batch);
              }
            },
            "frozenRowsStayKeysAsTheyLeft",
            "frozenRowsAreInNoPool"),
        fault(
            "every call starts a new sequence",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                List<Span> fresh = new ArrayList<>();
                for (Span span : batch.spans()) {
                  fresh.add(
                      new Span(span.state() == null ? null : model.newState(null), span.rows()));
                }
                return super.run(model, stage, new StageBatch(batch.slot(), fresh, batch.trace()));
              }
            },
            "stepByStepIsOneCall",
            "ngramsReachOverTheBorderOfACall"),
        fault(
            "a failed call leaves its keys behind",
            new Appending(),
            "aRunThatThrowsLeavesEveryStateAsItWas"));
  }

  private static List<Fault> batches() {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger calls = new AtomicInteger();
    return List.of(
        fault(
            "the last bit depends on the batch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                int spans = batch.spans().size();
                return Told.logits(
                    super.run(model, stage, batch),
                    logit -> spans > 1 ? Math.nextUp((float) logit) : logit);
              }
            },
            "oneByOneIsTheBatch"),
        fault(
            "the last bit depends on the time",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                boolean odd = calls.getAndIncrement() % 2 == 1;
                return Told.logits(
                    super.run(model, stage, batch),
                    logit -> odd ? Math.nextUp((float) logit) : logit);
              }
            },
            "aRunThatIsRepeatedGivesTheSameBits"),
        fault(
            "what is not a number spreads",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                boolean poisoned = batch.spans().stream().anyMatch(Faults::poisoned);
                StageResult result = super.run(model, stage, batch);
                return Told.logits(result, logit -> poisoned ? Double.NaN : logit);
              }
            },
            "aRowThatIsNotANumberHarmsNoOtherItem"),
        fault(
            "threads share their scratch",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                boolean shared = inside.incrementAndGet() > 1;
                try {
                  Thread.sleep(1);
                  StageResult result = super.run(model, stage, batch);
                  return Told.logits(result, logit -> shared ? logit + 1 : logit);
                } catch (InterruptedException stop) {
                  throw new IllegalStateException(stop);
                } finally {
                  inside.decrementAndGet();
                }
              }
            },
            "concurrentRunsGiveTheSameBits"));
  }

  private static List<Fault> lifecycle() {
    return List.of(
        fault(
            "the model says it is another",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                ModelSpec other =
                    new ModelSpec(
                        "other",
                        spec.width(),
                        spec.input(),
                        spec.embedding(),
                        spec.plan(),
                        spec.head());
                return reference.load(other, weights, options);
              }
            },
            "aLoadedModelIsWhatWasDescribed"),
        fault(
            "load accepts what check refuses",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                return reference.load(spec, weights, LoadOptions.defaults());
              }
            },
            "checkIsEmptyExactlyWhenLoadSucceeds"),
        fault(
            "check refuses nothing",
            new Broken() {
              @Override
              public List<Unsupported> check(ModelSpec spec, LoadOptions options) {
                return List.of();
              }
            },
            "aLimitOfTokenRefusesAttention",
            "unknownSettingsOfItsOwnAreRefused",
            "checkIsEmptyExactlyWhenLoadSucceeds"),
        fault(
            "surplus weights are ignored",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                List<Tensor> needed = new ArrayList<>();
                spec.parameters().forEach(p -> needed.add(weights.tensor(p.name())));
                return reference.load(spec, MemoryWeights.of(needed), options);
              }
            },
            "weightsThatDoNotFitAreRefused"),
        fault(
            "weights are read when they are needed",
            new Broken() {
              @Override
              StageResult run(LoadedModel model, int stage, StageBatch batch) {
                throw new AssertionError("the lazy model runs its stages itself");
              }

              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                LoadedModel first = reference.load(spec, weights, options);
                return new Model(spec, first) {
                  @Override
                  public List<Stage> stages() {
                    return reference.load(spec, weights, options).stages();
                  }
                };
              }
            },
            "weightsMayBeClosedOnceLoaded"),
        fault(
            "a closed model works on",
            new Broken() {
              @Override
              public LoadedModel load(ModelSpec spec, Weights weights, LoadOptions options) {
                return new Model(spec, reference.load(spec, weights, options)) {
                  @Override
                  public void close() {}
                };
              }
            },
            "aClosedModelRefusesWorkAndClosesAgain"));
  }

  private static boolean poisoned(Span span) {
    Rows rows = span.rows();
    for (int i = 0; i < rows.size(); i++) {
      Event event = rows.event(i);
      if (!event.hasTokens() && Float.isNaN(event.features(rows.position(i)).get())) {
        return true;
      }
    }
    return false;
  }

  private static FloatBuffer numbers(Tensor tensor) {
    FloatBuffer values = FloatBuffer.allocate((int) tensor.elements());
    tensor.copyTo(values);
    return values.flip();
  }

  private static Tensor zero(Tensor like) {
    return MemoryWeights.tensor(like.name(), like.shape(), new float[(int) like.elements()]);
  }

  private static Tensor named(String name, Tensor tensor) {
    return new Tensor(name, tensor.type(), tensor.shape(), tensor.bytes());
  }
}
