package anabranch.model.facts;

import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Skip;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A plan cut at its decision points.
 *
 * @param stages what a backend loads, the encoder's first; a stage that is visited several times
 *     stands here once
 * @param steps the way of a unit that never fires, the encoder's steps first
 * @param encoderSteps how many steps belong to the encoder
 */
public record Cut(List<StageSpec> stages, List<Step> steps, int encoderSteps) {
  /** Copies the lists. */
  public Cut {
    stages = List.copyOf(stages);
    steps = List.copyOf(steps);
  }

  /** Returns the cut of a model, in the order that its plan has chosen. */
  public static Cut of(ModelSpec spec) {
    List<StageSpec> stages = new ArrayList<>();
    List<Step> steps = new ArrayList<>();
    Encoder encoder = spec.encoder();
    if (encoder != null) {
      new Writer(true, encoder.input(), encoder.embedding(), encoder.plan(), stages, steps)
          .write(new Point.Memory(encoder.norm()));
    }
    int encoderSteps = steps.size();
    new Writer(false, spec.input(), spec.embedding(), spec.plan(), stages, steps)
        .write(new Point.End(spec.head()));
    return new Cut(stages, steps, encoderSteps);
  }

  /** Returns every run of a block on the way of a unit that never fires, in order. */
  public List<Run> runs() {
    Map<String, Integer> times = new HashMap<>();
    for (Step step : steps) {
      for (Visit visit : step.stage().visits()) {
        visit.blocks().forEach(member -> times.merge(member.path(), 1, Integer::sum));
      }
    }
    Map<String, Integer> before = new HashMap<>();
    List<Run> runs = new ArrayList<>();
    for (Step step : steps) {
      List<Visit> visits = step.stage().visits();
      for (int visit = 0; visit < visits.size(); visit++) {
        for (Visit.Member member : visits.get(visit).blocks()) {
          int number = before.merge(member.path(), 1, Integer::sum) - 1;
          runs.add(new Run(step.index(), visit, member, number, times.get(member.path())));
        }
      }
    }
    return List.copyOf(runs);
  }

  /**
   * One run of a block.
   *
   * @param step index of the step
   * @param visit the number of the visit in the step's stage, from 0
   * @param member the block
   * @param number how often the block ran before
   * @param times how often it runs in all, loops to their last time
   */
  public record Run(int step, int visit, Visit.Member member, int number, int times) {
    /**
     * Returns what an operation of this run is called in answers: its path, and behind it {@code
     * #number} where the block runs more than once.
     *
     * @param path of the operation, such as {@code "blocks.0.mixture"}
     */
    public String name(String path) {
      return times == 1 ? path : path + "#" + number;
    }
  }

  /** Cuts one side of a model. Confined to one call. */
  private static final class Writer {
    private final boolean encoder;
    private final Embedding embedding;
    private final Plan plan;
    private final List<StageSpec> stages;
    private final List<Step> steps;
    private final int end;
    private final @Nullable Bypass frozen;
    private final boolean shares;
    private final List<Visit> open = new ArrayList<>();
    private boolean begun;

    Writer(
        boolean encoder,
        Input input,
        Embedding embedding,
        Plan plan,
        List<StageSpec> stages,
        List<Step> steps) {
      this.encoder = encoder;
      this.embedding = embedding;
      this.plan = plan;
      this.stages = stages;
      this.steps = steps;
      frozen = frozen(plan.order());
      shares = frozen == Bypass.FREEZE_SHARE_KV || skipsShare(plan);
      end = steps.size() + count(plan.order());
    }

    void write(Point last) {
      String prefix = encoder ? "encoder." : "";
      for (Part part : plan.order()) {
        if (part instanceof Exit exit) {
          close(new Point.AtExit(exit, prefix + "exits." + exit.id()));
        } else if (part instanceof Prune prune) {
          close(new Point.AtPrune(prune, prefix + "prunes." + prune.id()));
        } else if (part instanceof DepthChoice choice) {
          int depths = plan.depthsOf(choice.id());
          close(new Point.AtChoice(choice, prefix + "choices." + choice.id(), depths));
        } else if (part instanceof Loop loop) {
          loop(loop, prefix);
        } else {
          open.add(visit(part));
        }
      }
      close(last);
    }

    private void loop(Loop loop, String prefix) {
      Loop.Halt halt = loop.until();
      List<Visit> body = loop.body().stream().map(this::visit).toList();
      if (halt == null) {
        for (int time = 0; time < loop.times(); time++) {
          open.addAll(body);
        }
        return;
      }
      if (!begun || !open.isEmpty()) {
        close(null);
      }
      int target = steps.size() + loop.times();
      StageSpec stage = stage(body, new Point.AtHalt(halt, prefix + "halts." + halt.id()));
      stages.add(stage);
      for (int time = 0; time < loop.times(); time++) {
        steps.add(new Step(steps.size(), stage, target));
      }
    }

    private Visit visit(Part part) {
      List<Integer> numbers =
          part instanceof Part.Mean mean ? mean.blocks() : List.of(((Part.Run) part).block());
      List<Visit.Member> members = new ArrayList<>();
      for (int number : numbers) {
        String path = (encoder ? "encoder." : "") + "blocks." + number;
        members.add(new Visit.Member(path, number, plan.blocks().get(number)));
      }
      return new Visit(members);
    }

    /** Ends the stage that is open; without a point, one at which nobody decides. */
    private void close(@Nullable Point point) {
      StageSpec stage = stage(open, point == null ? new Point.Passage() : point);
      stages.add(stage);
      steps.add(new Step(steps.size(), stage, end));
      open.clear();
    }

    private StageSpec stage(List<Visit> visits, Point point) {
      boolean embeds = !begun;
      begun = true;
      Needs needs = Needs.of(visits, embeds ? embedding : null, point, shares);
      return new StageSpec(
          stages.size(),
          encoder,
          embeds,
          visits,
          needs.grouping(),
          needs.mixes(),
          !encoder && needs.keepsState(),
          frozen,
          point);
    }

    /** Returns how many steps an order makes. */
    private static int count(List<Part> order) {
      int steps = 0;
      boolean open = false;
      boolean begun = false;
      for (Part part : order) {
        if (part instanceof Loop loop && loop.until() != null) {
          steps += loop.times() + (!begun || open ? 1 : 0);
          open = false;
        } else if (part instanceof Part.Run || part instanceof Part.Mean || part instanceof Loop) {
          open = true;
          continue;
        } else {
          steps++;
          open = false;
        }
        begun = true;
      }
      return steps + 1;
    }

    private static boolean skipsShare(Plan plan) {
      return plan.blocks().stream()
          .flatMap(block -> block.operations().stream())
          .anyMatch(o -> o instanceof Skip skip && skip.keys() == Bypass.FREEZE_SHARE_KV);
    }

    private static @Nullable Bypass frozen(List<Part> order) {
      for (Part part : order) {
        Bypass bypass =
            part instanceof Exit exit
                ? exit.bypass()
                : part instanceof Loop loop && loop.until() != null ? loop.until().bypass() : null;
        if (bypass != null && bypass.freezes()) {
          return bypass;
        }
      }
      return null;
    }
  }
}
