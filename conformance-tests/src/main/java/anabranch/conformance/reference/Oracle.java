package anabranch.conformance.reference;

import anabranch.backend.Event;
import anabranch.conformance.reference.AttentionPart.Shown;
import anabranch.conformance.reference.Verdict.Choice;
import anabranch.model.Block;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import anabranch.model.Plan;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs whole items, one at a time, block by block and row by row, in double precision: what every
 * backend's numbers are compared with.
 *
 * <p>Every decision is free or forced. A run whose decisions are forced to those that a backend
 * took still says, for each of them, what it would have done itself and by what margin; so a
 * backend is judged decision by decision, and its numbers under its own decisions.
 *
 * <p>Immutable; any thread.
 */
public final class Oracle {
  private final ModelSpec spec;
  private final EmbeddingPart embedding;
  private final List<List<SublayerPart>> blocks = new ArrayList<>();
  private final List<HeadPart> heads = new ArrayList<>();

  /**
   * Binds weights to a description; they may be closed afterwards.
   *
   * @throws anabranch.error.WeightsException if they do not fit
   */
  public Oracle(ModelSpec spec, Weights weights) {
    weights.requireFit(spec);
    this.spec = spec;
    Parameters parameters = new Parameters(weights);
    embedding = new EmbeddingPart(spec, parameters);
    for (Block block : spec.plan().blocks()) {
      blocks.add(SublayerPart.of(block, blocks.size(), parameters));
    }
    for (Exit exit : spec.plan().exits()) {
      heads.add(new HeadPart(exit.head(), "exits." + exit.id(), parameters));
    }
    heads.add(new HeadPart(spec.head(), "head", parameters));
  }

  /** Runs one item from position 0 to the end. */
  public Verdict run(Event event, Decisions decisions) {
    if (event.firstPosition() != 0) {
      throw new IllegalArgumentException(event + " does not begin a sequence");
    }
    return new Run(event, decisions).whole();
  }

  /** What a row still does. */
  private enum Life {
    /** Everything. */
    LIVE,
    /** Keys and values from a vector that stays as it is. */
    FROZEN,
    /** Nothing. */
    GONE
  }

  /** One item on its way. */
  private final class Run {
    private final Event event;
    private final Decisions decisions;
    private final int rows;
    private final double[][] x; // [rows, width]
    private final Life[] life; // [rows]
    private final boolean ofItem = spec.head().pool().ofItem();
    private final Verdict verdict;

    Run(Event event, Decisions decisions) {
      this.event = event;
      this.decisions = decisions;
      rows = event.rows();
      x = new double[rows][];
      life = new Life[rows];
      verdict = new Verdict(rows, ofItem ? 1 : rows, heads.size());
    }

    Verdict whole() {
      for (int row = 0; row < rows; row++) {
        x[row] = embedding.of(event, row, event::token);
        life[row] = Life.LIVE;
      }
      int block = 0;
      int point = 0;
      for (Plan.Part part : spec.plan().parts()) {
        if (part instanceof Exit exit) {
          leave(point++, block, exit);
        } else {
          for (SublayerPart sublayer : blocks.get(block)) {
            pass(sublayer);
          }
          block++;
        }
      }
      leave(point, block, null);
      return verdict;
    }

    private void pass(SublayerPart sublayer) {
      if (sublayer.attention != null) {
        attend(sublayer, sublayer.attention);
      } else if (sublayer.mixture != null) {
        mix(sublayer, sublayer.mixture);
      } else {
        for (int row = 0; row < rows; row++) {
          if (life[row] == Life.LIVE) {
            x[row] = sublayer.behind(x[row], sublayer.network(sublayer.input(x[row])));
          }
        }
      }
    }

    private void attend(SublayerPart sublayer, AttentionPart attention) {
      @Nullable Shown[] shown = new Shown[rows];
      for (int row = 0; row < rows; row++) {
        if (life[row] != Life.GONE) {
          shown[row] = attention.show(sublayer.input(x[row]), row);
        }
      }
      for (int row = 0; row < rows; row++) {
        if (life[row] == Life.LIVE) {
          List<Shown> visible = new ArrayList<>();
          for (int other = 0; other < rows; other++) {
            Shown theirs = shown[other];
            if (theirs != null && (other <= row || !attention.causal)) {
              visible.add(theirs);
            }
          }
          double[] read = attention.read(sublayer.input(x[row]), row, visible);
          x[row] = sublayer.behind(x[row], read);
        }
      }
    }

    private void mix(SublayerPart sublayer, MixturePart mixture) {
      @Nullable Choice[] choices = new Choice[rows];
      for (int row = 0; row < rows; row++) {
        if (life[row] == Life.LIVE) {
          double[] input = sublayer.input(x[row]);
          int token = event.hasTokens() ? event.token(row) : 0;
          Choice choice = mixture.router.choose(input, token, decisions.experts(mixture.path, row));
          choices[row] = choice;
          x[row] = sublayer.behind(x[row], mixture.combine(input, choice));
        }
      }
      verdict.choices.put(mixture.path, choices);
    }

    /** Lets units leave; all that are left where {@code exit} is null. */
    private void leave(int point, int depth, @Nullable Exit exit) {
      HeadPart head = heads.get(point);
      if (ofItem) {
        if (life[0] == Life.LIVE) {
          leave(point, depth, exit, 0, head.logits(head.pool(List.of(x))));
        }
        return;
      }
      for (int row = 0; row < rows; row++) {
        if (life[row] == Life.LIVE) {
          leave(point, depth, exit, row, head.logits(x[row]));
        }
      }
    }

    private void leave(int point, int depth, @Nullable Exit exit, int unit, double[] logits) {
      if (exit != null) {
        double score = HeadPart.score(exit.criterion().score(), logits);
        verdict.scores[point][unit] = score;
        if (!leaves(point, exit, unit, score)) {
          return;
        }
      }
      verdict.logits[unit] = logits;
      verdict.exits[unit] = point;
      verdict.depths[unit] = depth;
      boolean freezes = exit != null && exit.bypass() == Exit.Bypass.FREEZE_PROJECT;
      for (int row = ofItem ? 0 : unit; row < (ofItem ? rows : unit + 1); row++) {
        life[row] = freezes ? Life.FROZEN : Life.GONE;
      }
    }

    private boolean leaves(int point, Exit exit, int unit, double score) {
      List<Integer> forced = decisions.exits();
      if (forced != null) {
        return forced.get(unit) == point;
      }
      Double threshold = decisions.thresholds().get(exit.id());
      return threshold != null && exit.criterion().fires(score, threshold);
    }
  }
}
