package anabranch.conformance.reference;

import anabranch.conformance.reference.Script.Act;
import anabranch.conformance.reference.Script.Decide;
import anabranch.conformance.reference.Script.Visit;
import anabranch.conformance.reference.block.BlockPart;
import anabranch.conformance.reference.part.Scores;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Trail;
import anabranch.conformance.reference.pass.Way;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion.Score;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Takes one event of each item through one side of a model, in lock-step. Confined to one run. */
final class Course {
  private final Script script;
  private final List<Traveller> travellers;
  private final Trail trail = new Trail(null, true);

  Course(Script script, List<Traveller> travellers) {
    this.script = script;
    this.travellers = travellers;
  }

  void run() {
    for (int number = 0; number < script.acts.size(); number++) {
      Act act = script.acts.get(number);
      if (act instanceof Visit visit) {
        visit(visit, number);
      } else if (act instanceof Decide decide && decide.point() != null) {
        travellers.forEach(item -> decide(decide, decide.point(), item));
      }
      if (act instanceof Decide) {
        travellers.forEach(item -> item.fates.forEach(fate -> fate.row.entered = fate.row.x));
      }
    }
  }

  private void visit(Visit visit, int number) {
    List<Row> rows = new ArrayList<>();
    for (Traveller item : travellers) {
      for (Fate fate : item.present(visit.step())) {
        rows.add(fate.row);
        fate.depth += fate.asked && fate.row.way == Way.RUN ? visit.blocks().size() : 0;
      }
    }
    List<Pass> passes = new ArrayList<>();
    for (int b = 0; b < visit.blocks().size(); b++) {
      BlockPart block = visit.blocks().get(b);
      String run = visit.runs().get(b);
      Pass.Forced forced = (path, row) -> decisions(row).experts(path + run, row.position);
      passes.add(new Pass(rows, trail, number + "." + b, block.index, forced));
    }
    if (rows.isEmpty()) {
      missed(visit.blocks(), passes);
      return;
    }
    BlockPart.visit(visit.blocks(), passes);
    for (int b = 0; b < passes.size(); b++) {
      for (Taken taken : passes.get(b).taken) {
        for (int i = 0; i < rows.size(); i++) {
          Traveller item = item(rows.get(i));
          String name = taken.path + visit.runs().get(b);
          item.verdict.choose(name, item.rows, rows.get(i).position, taken.choices[i]);
        }
      }
    }
  }

  /** Rule A5: attentions that nobody passes are those before the next all the same. */
  private void missed(List<BlockPart> blocks, List<Pass> passes) {
    for (int b = 0; b < blocks.size(); b++) {
      for (String path : blocks.get(b).attentions()) {
        trail.last = passes.get(b).at(path);
      }
    }
  }

  private Decisions decisions(Row row) {
    return item(row).decisions;
  }

  private Traveller item(Row row) {
    for (Traveller item : travellers) {
      if (item.number == row.span) {
        return item;
      }
    }
    throw new AssertionError("a row of no item");
  }

  private void decide(Decide decide, PointPart point, Traveller item) {
    List<Fate> present = item.present(decide.step());
    List<Row> rows = present.stream().map(fate -> fate.row).toList();
    double[][] reads = new double[rows.size()][];
    if (point.head != null && !rows.isEmpty()) {
      reads = point.head.read(rows, "head " + decide.step());
    }
    if (decide.part() instanceof Prune prune) {
      prune(decide, prune, point, item);
      return;
    }
    List<Fate> unit = new ArrayList<>();
    List<double[]> read = new ArrayList<>();
    for (int i = 0; i < present.size(); i++) {
      if (rows.get(i).way == Way.RUN) {
        unit.add(present.get(i));
        read.add(reads[i]);
        if (!point.pool.ofItem()) {
          settle(decide, point, item, unit, read);
          unit.clear();
          read.clear();
        }
      }
    }
    settle(decide, point, item, unit, read);
  }

  /** Decides about one unit, if any of its rows is asked. */
  private void settle(
      Decide decide, PointPart point, Traveller item, List<Fate> unit, List<double[]> read) {
    if (unit.stream().noneMatch(fate -> fate.asked)) {
      return;
    }
    List<Row> live = unit.stream().map(fate -> fate.row).toList();
    PointPart.Unit told = point.judge(live, read, script.first(decide.step()));
    int number = point.pool.ofItem() ? item.event : live.get(0).position;
    int units = point.pool.ofItem() ? item.events : item.rows;
    double score = told.score();
    if (point.score == Score.PATIENCE) {
      score = patience(unit, told.label());
    } else if (point.score == Score.CHOSEN) {
      score = unit.get(0).chosen == decide.number() ? 1 : 0;
    }
    item.verdict.score(decide.step(), units, number, score, told.label());
    if (decide.part() instanceof DepthChoice choice) {
      Integer forced = forced(item.decisions.labels().get(choice.id()), number);
      unit.forEach(fate -> fate.chosen = forced == null ? told.label() : forced);
    } else if (decide.part() instanceof Loop loop && loop.until() != null) {
      halt(decide, loop, loop.until(), item, unit, number, units, score);
    } else {
      Exit exit = (Exit) decide.part();
      if (exit == null || leaves(decide, exit, item, number, score)) {
        leave(decide, exit, item, unit, number, told.logits());
      }
    }
  }

  private static double patience(List<Fate> unit, int label) {
    for (Fate fate : unit) {
      fate.equal = Scores.patience(fate.equal, fate.label, label);
      fate.label = label;
    }
    return unit.get(0).equal;
  }

  private static void halt(
      Decide decide,
      Loop loop,
      Loop.Halt halt,
      Traveller item,
      List<Fate> unit,
      int number,
      int units,
      double score) {
    List<Integer> forced = item.decisions.halts().get(halt.id());
    Double threshold = item.decisions.thresholds().get(halt.id());
    boolean fires =
        forced != null
            ? forced.get(number) == decide.number()
            : threshold != null && halt.criterion().fires(score, threshold);
    if (fires) {
      unit.forEach(fate -> fate.jump(decide.target(), halt.bypass()));
    }
    if (fires || decide.number() == loop.times() - 1) {
      item.verdict.halt(halt.id(), units, number, decide.number());
    }
  }

  private boolean leaves(Decide decide, Exit exit, Traveller item, int number, double score) {
    Decisions decisions = item.decisions;
    Integer forced =
        script.prefix.isEmpty() ? forced(decisions.exits(), number) : decisions.encoderExit();
    if (forced != null) {
      return forced == decide.step();
    }
    Double threshold = decisions.thresholds().get(exit.id());
    return threshold != null && exit.criterion().fires(score, threshold);
  }

  private static @Nullable Integer forced(@Nullable List<Integer> all, int unit) {
    return all == null ? null : all.get(unit);
  }

  private void leave(
      Decide decide,
      @Nullable Exit exit,
      Traveller item,
      List<Fate> unit,
      int number,
      double @Nullable [] logits) {
    unit.forEach(fate -> fate.leave(exit == null ? Bypass.TERMINATE : exit.bypass()));
    if (!script.prefix.isEmpty()) {
      item.verdict.encoderExit = decide.step();
      return;
    }
    item.verdict.logits[number] = logits;
    item.verdict.exits[number] = decide.step();
    item.verdict.depths[number] = unit.stream().mapToInt(fate -> fate.depth).max().orElse(0);
  }

  private void prune(Decide decide, Prune prune, PointPart point, Traveller item) {
    List<Fate> live = item.live(decide.step());
    List<Integer> positions = live.stream().map(fate -> fate.row.position).toList();
    if (live.isEmpty()) {
      return;
    }
    List<Integer> half = item.decisions.halves().get(prune.id());
    PointPart.Ranked told = point.rank(live.stream().map(fate -> fate.row).toList(), half);
    double[] scores = told.scores();
    for (int i = 0; i < scores.length; i++) {
      item.verdict.score(decide.step(), item.rows, positions.get(i), scores[i], -1);
      if (told.ranks() != null && told.half() != null) {
        item.verdict.rank(
            decide.step(), item.rows, positions.get(i), told.ranks()[i], told.half()[i]);
      }
    }
    double share = item.decisions.thresholds().getOrDefault(prune.id(), 1.0);
    List<Integer> own = Scores.pruned(share, positions, scores, prune.kept());
    item.verdict.keep(decide.step(), own);
    List<Integer> forced = item.decisions.kept().get(prune.id());
    for (Fate fate : live) {
      if (!(forced == null ? own : forced).contains(fate.row.position)) {
        fate.leave(Bypass.TERMINATE);
      }
    }
  }
}
