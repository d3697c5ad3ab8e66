package anabranch.conformance.faulty;

import static anabranch.conformance.faulty.Faults.fault;
import static anabranch.conformance.faulty.Faults.named;

import anabranch.backend.LoadedModel;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.conformance.faulty.Faults.Fault;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Scores, labels, bypasses and orders that are misread. */
final class LeavingFaults {
  private LeavingFaults() {}

  static List<Fault> all() {
    List<Fault> all = new ArrayList<>(heads());
    all.addAll(graphs());
    all.addAll(
        List.of(
            fault(
                "shared keys are projected again",
                bypass(Bypass.FREEZE_SHARE_KV, Bypass.FREEZE_PROJECT),
                "rowsThatLeftAreSeenAsTheirBypassSays",
                "unitsThatHaltGoOnBehindTheLoop",
                "A22"),
            fault(
                "keys of rows that left are those they had",
                bypass(Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV),
                "rowsThatLeftAreSeenAsTheirBypassSays",
                "recurrencesTakeEveryRowInItsOrder",
                "A16"),
            fault("a cosine is squared", squared(), "saturationIsTheCosineSinceTheLastDecision"),
            fault("sure units have no score", unsure(), "logitsOfHundredsHaveScores"),
            fault(
                "the last row stands for the first",
                pool(Head.Pool.FIRST, Head.Pool.LAST),
                "poolsReadTheRowsTheySay"),
            fault(
                "the first row stands for the mean",
                pool(Head.Pool.MEAN, Head.Pool.FIRST),
                "poolsReadTheRowsTheySay",
                "A06",
                "A12",
                "A44"),
            fault(
                "rows that nobody asks are not computed",
                new Broken() {
                  @Override
                  StageResult run(LoadedModel model, int stage, StageBatch batch) {
                    return Regrouped.unasked(model, stage, batch);
                  }
                },
                "deferredRowsChangeNobodysAnswer",
                "anItemThatIsForcedTakesTheWayOfTheAnswerBefore"),
            fault(
                "learned scores have no bias",
                Rerouted.zeroed(".*score\\.bias"),
                "learnedScoresReadTheVectorThatLeaves"),
            fault(
                "labels are the class beside the best",
                beside(),
                "labelsThatPatienceCountsAreTheOracles",
                "recordedItemsLeaveWhereTheirOriginalsLeft"),
            fault("rows are dropped by position", dropped(), "prunesKeepTheBestRows"),
            fault(
                "the choice of depth reads the first row",
                first(),
                "A20/A38",
                "choicesOfDepthAreTheOracles"),
            fault(
                "a mean of blocks is its first block",
                firstOfMean(),
                "A32",
                "ordersRunTheSameWeights"),
            fault("memory is not normed", unnormed(), "decodersReadWhatTheEncoderLeft"),
            fault("an unknown level is the first", unknown(), "poolsReadTheRowsTheySay", "A34"),
            fault(
                "a head has no sublayers of its own",
                bodiless(),
                "A22",
                "headsHaveLayersOfTheirOwn")));
    return all;
  }

  /** Heads that answer, and scores that are asked for, in each other's place. */
  private static List<Fault> heads() {
    return List.of(
        fault(
            "the score is that of another criterion",
            new Rewritten() {
              @Override
              Exit change(Exit exit) {
                Criterion.Score next =
                    switch (exit.criterion().score()) {
                      case CONFIDENCE -> Criterion.Score.MARGIN;
                      case MARGIN -> Criterion.Score.ENTROPY;
                      case ENTROPY -> Criterion.Score.CONFIDENCE;
                      default -> exit.criterion().score();
                    };
                return new Exit(
                    exit.id(),
                    exit.head(),
                    new Criterion(next, exit.criterion().comparison()),
                    exit.bypass());
              }
            },
            "everyUnitAnswersAsTheOracleWhereAPolicyLetsItLeave",
            "scoresOfLogitsAreTheOracles"),
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
            "leavingEarlyIsTheModelThatEndsThere",
            "recordedItemsLeaveWhereTheirOriginalsLeft"),
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
                return head == null
                    ? exit
                    : new Exit(
                        exit.id(),
                        new Head(
                            head.pool(),
                            head.body(),
                            null,
                            head.hidden(),
                            head.outputs(),
                            head.bias(),
                            head.multiplier()),
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
            "anEngineAnswersAsThePlainestCaller",
            "anEngineContinuesSequencesAsThePlainestCaller"));
  }

  /** Graphs of attentions that are misread. */
  private static List<Fault> graphs() {
    return List.of(
        fault(
            "importance flows the other way",
            ranked(
                rank ->
                    new GraphRank(
                        rank.direction() == GraphRank.Direction.TO_READ
                            ? GraphRank.Direction.TO_READERS
                            : GraphRank.Direction.TO_READ,
                        rank.iterations(),
                        rank.epsilon(),
                        rank.leastVariance(),
                        rank.mostVariance())),
            "rowsAreRankedByTheGraphOfAnAttention",
            "A27"),
        fault(
            "importance flows as often as it may",
            ranked(
                rank ->
                    new GraphRank(
                        rank.direction(),
                        rank.iterations(),
                        0,
                        rank.leastVariance(),
                        rank.mostVariance())),
            "rowsAreRankedByTheGraphOfAnAttention"),
        fault(
            "every head counts",
            ranked(
                rank -> new GraphRank(rank.direction(), rank.iterations(), rank.epsilon(), 0, 1)),
            "rowsAreRankedByTheGraphOfAnAttention",
            "A27"),
        fault(
            "heads are the mean of their squares",
            scores(List.of(Criterion.Score.GRAPH_RANK), score -> score * score),
            "rowsAreRankedByTheGraphOfAnAttention",
            "A27"),
        fault("equal rows stay last first", lastFirst(), "ofEqualRowsTheEarlierStay", "A27"),
        fault(
            "rows resemble each other by something else",
            compared(
                compared ->
                    compared == Prune.Compared.ROWS ? Prune.Compared.KEYS : Prune.Compared.ROWS),
            "rowsThatResembleAMoreImportantOneGo",
            "A27"),
        fault(
            "the most distinct rows go",
            scores(List.of(Criterion.Score.REDUNDANCY), score -> score > 1 ? score : -score),
            "rowsThatResembleAMoreImportantOneGo",
            "A27"));
  }

  private static Broken ranked(UnaryOperator<GraphRank> change) {
    return prunes(
        prune ->
            prune.rank() == null
                ? prune
                : new Prune(
                    prune.id(),
                    prune.score(),
                    prune.kept(),
                    change.apply(prune.rank()),
                    prune.compared()));
  }

  private static Broken compared(UnaryOperator<Prune.Compared> change) {
    return prunes(
        prune ->
            prune.rank() == null || prune.compared() == null
                ? prune
                : Prune.redundancy(
                    prune.id(), prune.kept(), prune.rank(), change.apply(prune.compared())));
  }

  private static Broken prunes(UnaryOperator<Prune> change) {
    return new Rewritten() {
      @Override
      Part change(Part part) {
        return part instanceof Prune prune ? change.apply(prune) : super.change(part);
      }
    };
  }

  private static Broken lastFirst() {
    return new Broken() {
      @Override
      StageResult run(LoadedModel model, int stage, StageBatch batch) {
        StageResult result = super.run(model, stage, batch);
        if (!(Cut.of(model.spec()).stages().get(stage).point() instanceof Point.AtPrune)) {
          return result;
        }
        return new Told(result) {
          @Override
          public FloatBuffer scores() {
            FloatBuffer told = super.scores();
            FloatBuffer wrong = FloatBuffer.allocate(told.remaining());
            for (int row = 0; row < wrong.capacity(); row++) {
              wrong.put(row, told.get(row) + 1e-7f * row);
            }
            return wrong;
          }
        };
      }
    };
  }

  private static Broken bypass(Bypass from, Bypass to) {
    return new Rewritten() {
      @Override
      ModelSpec change(ModelSpec spec) {
        try {
          return super.change(spec);
        } catch (anabranch.error.DescriptionException misfit) {
          return spec;
        }
      }

      @Override
      Skip change(Skip skip) {
        Bypass keys = skip.keys() == from ? to : skip.keys();
        return new Skip(skip.router(), skip.operation(), keys);
      }

      @Override
      Part change(Part part) {
        if (part instanceof Exit exit) {
          Bypass bypass = exit.bypass() == from ? to : exit.bypass();
          return new Exit(exit.id(), exit.head(), exit.criterion(), bypass);
        } else if (part instanceof Loop loop && loop.until() != null) {
          Loop.Halt halt = loop.until();
          Bypass bypass = halt.bypass() == from ? to : halt.bypass();
          return new Loop(
              loop.body(),
              loop.times(),
              new Loop.Halt(halt.id(), halt.pool(), halt.criterion(), bypass));
        }
        return part;
      }
    };
  }

  private static Broken beside() {
    return new Broken() {
      @Override
      StageResult run(LoadedModel model, int stage, StageBatch batch) {
        return new Told(super.run(model, stage, batch)) {
          @Override
          public IntBuffer labels() {
            IntBuffer told = super.labels();
            IntBuffer wrong = IntBuffer.allocate(told.remaining());
            for (int unit = 0; unit < wrong.capacity(); unit++) {
              int label = told.get(unit);
              wrong.put(unit, label < 0 ? label : label == 0 ? 1 : label - 1);
            }
            return wrong;
          }
        };
      }
    };
  }

  /** Changes scores at points that ask for one of these. */
  private static Broken scores(
      List<Criterion.Score> kinds, java.util.function.DoubleUnaryOperator change) {
    return new Broken() {
      @Override
      StageResult run(LoadedModel model, int stage, StageBatch batch) {
        StageResult result = super.run(model, stage, batch);
        Point point = Cut.of(model.spec()).stages().get(stage).point();
        if (point.score() == null || !kinds.contains(point.score())) {
          return result;
        }
        return new Told(result) {
          @Override
          public FloatBuffer scores() {
            FloatBuffer told = super.scores();
            FloatBuffer wrong = FloatBuffer.allocate(told.remaining());
            for (int unit = 0; unit < wrong.capacity(); unit++) {
              wrong.put(unit, (float) change.applyAsDouble(told.get(unit)));
            }
            return wrong;
          }
        };
      }
    };
  }

  private static Broken squared() {
    return scores(List.of(Criterion.Score.SATURATION), score -> score * score);
  }

  private static Broken unsure() {
    return scores(
        List.of(Criterion.Score.MARGIN, Criterion.Score.ENTROPY),
        score -> score > 0.999 || score < 0.001 ? Double.NaN : score);
  }

  private static Broken pool(Head.Pool from, Head.Pool to) {
    return new Rewritten() {
      @Override
      Head change(Head head) {
        Head.Pool pool = head.pool() == from ? to : head.pool();
        return new Head(pool, head.body(), head.norm(), head.hidden(), head.outputs(), head.bias());
      }
    };
  }

  private static Broken dropped() {
    return new Broken() {
      @Override
      StageResult run(LoadedModel model, int stage, StageBatch batch) {
        StageResult result = super.run(model, stage, batch);
        Point point = Cut.of(model.spec()).stages().get(stage).point();
        if (!(point instanceof Point.AtPrune)) {
          return result;
        }
        return new Told(result) {
          @Override
          public FloatBuffer scores() {
            FloatBuffer told = super.scores();
            FloatBuffer wrong = FloatBuffer.allocate(told.remaining());
            for (int row = 0; row < wrong.capacity(); row++) {
              wrong.put(row, Float.isNaN(told.get(row)) ? Float.NaN : 1f / (row + 2));
            }
            return wrong;
          }
        };
      }
    };
  }

  private static Broken first() {
    return new Rewritten() {
      @Override
      ModelSpec change(ModelSpec spec) {
        ModelSpec own = super.change(spec);
        Encoder encoder = own.encoder();
        if (encoder == null) {
          return own;
        }
        Plan plan = encoder.plan();
        List<Part> parts = plan.parts().stream().map(this::change).toList();
        Plan other = new Plan(plan.blocks(), parts, plan.alternatives(), plan.chosen());
        return own.withEncoder(
            new Encoder(encoder.input(), encoder.embedding(), other, encoder.norm()));
      }

      @Override
      Part change(Part part) {
        return part instanceof DepthChoice choice && choice.pool().ofItem()
            ? new DepthChoice(choice.id(), choice.from(), Head.Pool.FIRST, choice.bias())
            : super.change(part);
      }
    };
  }

  private static Broken firstOfMean() {
    return new Rewritten() {
      @Override
      Part change(Part part) {
        return part instanceof Part.Mean mean
            ? new Part.Mean(mean.blocks().subList(0, 1))
            : super.change(part);
      }
    };
  }

  private static Broken unnormed() {
    return new Rewritten() {
      @Override
      ModelSpec change(ModelSpec spec) {
        Encoder encoder = spec.encoder();
        if (encoder == null || encoder.norm() == null) {
          return spec;
        }
        return spec.withEncoder(
            new Encoder(encoder.input(), encoder.embedding(), encoder.plan(), new Norm.Rms(1e6)));
      }
    };
  }

  private static Broken unknown() {
    return new Rewritten() {
      @Override
      Input change(Input input) {
        if (!(input instanceof Input.Records records)) {
          return input;
        }
        List<Input.Field> fields =
            records.fields().stream()
                .map(
                    field ->
                        field instanceof Input.Field.Category category
                            ? new Input.Field.Category(category.name(), category.levels(), 0)
                            : field)
                .toList();
        return new Input.Records(fields, records.maxLength());
      }
    };
  }

  private static Broken bodiless() {
    return new Rewritten() {
      @Override
      Head change(Head head) {
        return new Head(
            head.pool(),
            null,
            head.norm(),
            head.hidden(),
            head.outputs(),
            head.bias(),
            head.multiplier());
      }
    };
  }
}
