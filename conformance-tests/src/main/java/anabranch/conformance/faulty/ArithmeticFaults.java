package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;
import static anabranch.conformance.faulty.Faults.named;
import static anabranch.conformance.faulty.Faults.numbers;
import static anabranch.conformance.faulty.Faults.zero;

import anabranch.backend.LoadedModel;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import anabranch.model.Embedding;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Sublayer;
import anabranch.model.position.Rotary;
import anabranch.model.route.Gate;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers that are wrong. */
final class ArithmeticFaults {
  private static final Pattern ROUTER_OF_RESULT =
      Pattern.compile("(.*)\\.o\\.[0-9]+\\.router\\.weight");

  private ArithmeticFaults() {}

  static List<Fault> all() {
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
            "everyUnitAnswersAsTheOracleAtFullDepth",
            "A02"),
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
                        network.inner(),
                        Activation.SILU,
                        network.gated(),
                        network.bias(),
                        network.limit());
              }
            },
            "everyNamedRouterPicksAsTheOracle",
            "A23"),
        fault(
            "linear memories mix the other way",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                boolean square = tensor.shape().size() == 2 && tensor.shape().get(0) > 1;
                return square
                        && tensor.name().endsWith(".a")
                        && tensor.shape().get(0).equals(tensor.shape().get(1))
                    ? transposed(tensor)
                    : tensor;
              }
            },
            "recurrencesTakeEveryRowInItsOrder"),
        fault(
            "short vectors are not normed",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                Latent latent = attention.latent();
                return latent == null
                    ? attention
                    : attention.withLatent(
                        new Latent(
                            latent.queryRank(),
                            latent.rank(),
                            latent.turned(),
                            latent.valueWidth(),
                            null));
              }
            },
            "latentKeysAndRoutedHeadsReadAsDescribed",
            "recordedMixturesPickAndAnswerAsTheirOriginals"),
        fault(
            "experts of an attention are not weighed",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                RoutedHeads heads = attention.routed();
                return heads == null
                    ? attention
                    : attention.withRouted(
                        new RoutedHeads(
                            heads.experts(),
                            heads.router().with(new Gate(Gate.Of.ONE, null, 0.5)),
                            heads.constant()));
              }
            },
            "latentKeysAndRoutedHeadsReadAsDescribed"),
        fault(
            "what is modulated reads its input as it is",
            Rerouted.zeroed(".*\\.experts\\.\\d+\\.weight"),
            "modulatedOperationsReadTheProduct",
            "A14"),
        fault(
            "a modulation multiplies by more than one where nothing is added",
            new Rewritten() {
              @Override
              Operation change(Mixture.Modulated modulated) {
                return modulated.with(Routers.switchTop1());
              }
            },
            "whatIsMultipliedByOneIsTheOperation"),
        fault(
            "slices are fused within themselves alone",
            sliced(
                network ->
                    network.fusion() == null
                        ? network
                        : network.withFusion(
                            new Mixture.Sliced.Fusion(
                                Mixture.Sliced.Fusion.Kind.WITHIN, network.fusion().bias()))),
            "slicedNetworksFuseWhatTheirRowsMade",
            "A24"),
        fault(
            "nothing makes up for slices that a row does not make",
            sliced(network -> network.withScaling(Mixture.Sliced.Scaling.NONE)),
            "slicedNetworksFuseWhatTheirRowsMade",
            "allSlicesOfOneWeightAreThePlainNetwork",
            "A24"),
        fault(
            "every slice is made",
            sliced(
                network ->
                    network.with(network.router().with(new Selection.TopK(network.slices())))),
            "slicedNetworksFuseWhatTheirRowsMade",
            "slicesThatAreNotPickedAreZero",
            "A24"),
        fault(
            "every row runs for itself",
            merged(Chain.Merged::chain),
            "mergedRowsReadAsDescribed",
            "A36"),
        fault(
            "a block more runs row by row",
            merged(m -> new Chain.Merged(m.size(), m.fine() + 1, m.kept(), m.chain())),
            "mergedRowsReadAsDescribed",
            "theEarlierOfEqualBlocksRunsRowByRow",
            "blocksWithoutANumberAreNotRanked",
            "A36"),
        fault(
            "blocks have a row more",
            merged(m -> new Chain.Merged(m.size() + 1, m.fine(), m.kept(), m.chain())),
            "mergedRowsReadAsDescribed",
            "blocksOfEqualRowsReadAsTheirRows",
            "A36"),
        fault(
            "kept rows are merged like others",
            merged(m -> new Chain.Merged(m.size(), m.fine(), List.of(1 << 20), m.chain())),
            "mergedRowsReadAsDescribed",
            "A36"),
        fault(
            "of merged rows their differences from the mean alone stay",
            merged(ArithmeticFaults::forgetting),
            "rowsToWhichNothingIsAddedStayAsTheyWere",
            "A36"),
        fault(
            "gates of routed projections are shares of one",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                Attention.RoutedProjections each = attention.projections();
                return each == null
                    ? attention
                    : attention.withProjections(
                        new Attention.RoutedProjections(
                            each.experts(),
                            each.router()
                                .with(
                                    new Gate(
                                        Gate.Of.SIGMOID_OF_SELECTED, new Gate.Normalise(0), 1))));
              }
            },
            "routedProjectionsReadAsDescribed",
            "A08"),
        fault(
            "results are routed as values are",
            new Broken() {
              @Override
              Tensor change(Tensor tensor, Weights all) {
                Matcher result = ROUTER_OF_RESULT.matcher(tensor.name());
                return result.matches()
                    ? named(tensor.name(), all.tensor(result.group(1) + ".v.0.router.weight"))
                    : tensor;
              }
            },
            "routedProjectionsReadAsDescribed",
            "A08"),
        fault(
            "rotary positions are left out",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return attention.withRotary(null);
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth",
            "A17",
            "A19"),
        fault(
            "angles of rotary positions are not scaled",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                Rotary given = attention.rotary();
                return given == null
                    ? attention
                    : attention.withRotary(
                        new Rotary(given.base(), given.interleaved(), given.part(), null));
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "networks with a limit have none",
            new Rewritten() {
              @Override
              FeedForward change(FeedForward network) {
                return new FeedForward(
                    network.inner(), network.activation(), network.gated(), network.bias());
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "rows enter without their factor",
            new Rewritten() {
              @Override
              Embedding change(Embedding embedding) {
                return new Embedding(
                    embedding.learnedPositions(),
                    embedding.ngrams(),
                    embedding.norm(),
                    null,
                    embedding.sinusoids());
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "rows enter without waves",
            new Rewritten() {
              @Override
              Embedding change(Embedding embedding) {
                return new Embedding(
                    embedding.learnedPositions(),
                    embedding.ngrams(),
                    embedding.norm(),
                    embedding.multiplier(),
                    null);
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "special members that answer zero answer their row",
            new Rewritten() {
              @Override
              Mixture change(Mixture mixture) {
                Mixture.Specials given = mixture.specials();
                return given == null
                    ? mixture
                    : mixture.withSpecials(
                        new Mixture.Specials(
                            0, given.zeros() + given.identities(), given.constants()));
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "windows are left out",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return attention.withWindow((Attention.Window) null);
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "a window forgets the first rows",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                Attention.Window window = attention.window();
                return attention.withWindow(window == null ? null : window.rows());
              }
            },
            "whatNoLaterRowReadsIsLetGo",
            "A47"),
        fault(
            "queries, keys and values are not clipped",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return attention.withClip(null);
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "scores are scaled by the width of a head only",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return attention.withScores(Attention.Scores.usual());
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth"),
        fault(
            "sinks take no part",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                Attention.Scores scores = attention.scores();
                return scores == null
                    ? attention
                    : attention.withScores(
                        new Attention.Scores(scores.scale(), false, scores.distances()));
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth",
            "recordedMixturesPickAndAnswerAsTheirOriginals"),
        fault(
            "keys are as near as any other",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                Attention.Scores scores = attention.scores();
                return scores == null
                    ? attention
                    : attention.withScores(scores.withDistances(null));
              }
            },
            "everyUnitAnswersAsTheOracleAtFullDepth",
            "A00"),
        fault(
            "causal attention reads later rows",
            new Rewritten() {
              @Override
              Attention change(Attention attention) {
                return attention.withMask(Attention.Mask.FULL);
              }
            },
            "laterRowsNeverChangeEarlierOnes",
            "everyUnitAnswersAsTheOracleAtFullDepth"));
  }

  private static Broken sliced(UnaryOperator<Mixture.Sliced> change) {
    return new Rewritten() {
      @Override
      Operation change(Mixture.Sliced network) {
        return change.apply(network);
      }
    };
  }

  private static Broken merged(Function<Chain.Merged, Operation> change) {
    return new Rewritten() {
      @Override
      Operation change(Chain.Merged merged) {
        return change.apply(merged);
      }
    };
  }

  /** A chain whose last norm has next to no weight adds the mean once, negative. */
  private static Operation forgetting(Chain.Merged merged) {
    List<Sublayer> sublayers = new ArrayList<>(merged.chain().sublayers());
    Sublayer last = sublayers.remove(sublayers.size() - 1);
    sublayers.add(
        new Sublayer(
            last.name(), last.before(), last.operation(), last.after(), new Norm.Rms(1e-5)));
    return new Chain.Merged(merged.size(), merged.fine(), merged.kept(), new Chain(sublayers));
  }

  private static Tensor transposed(Tensor tensor) {
    int size = tensor.shape().get(0);
    float[] values = numbers(tensor).array();
    float[] other = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      other[i] = values[i % size * size + i / size];
    }
    return MemoryWeights.tensor(tensor.name(), tensor.shape(), other);
  }
}
