package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.mean;

import anabranch.conformance.reference.part.AttentionPart;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.conformance.reference.part.NormPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Sublayer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** A chain with its weights, most of whose rows run as the means of blocks. */
final class MergedPart implements OperationPart {
  private final Chain.Merged merged;
  private final String path;
  private final ChainPart chain;
  private final NormPart norm;
  private final AttentionPart attention;

  MergedPart(Chain.Merged merged, String path, Parameters parameters) {
    this.merged = merged;
    this.path = path;
    chain = new ChainPart(merged.chain(), path, parameters);
    Sublayer first = merged.chain().sublayers().get(0);
    String scoring = path + "." + first.name();
    norm = new NormPart(first.before(), scoring + ".before", parameters);
    attention = new AttentionPart(merged.attention(), scoring, parameters);
  }

  @Override
  public List<String> attentions() {
    return chain.attentions();
  }

  /**
   * Rows that run as one.
   *
   * @param rows their numbers in the pass, ascending
   * @param score what the kept rows give to their mean
   */
  private record Group(List<Integer> rows, double score) {}

  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    Taken taken = new Taken(path, 1, v.length, 1);
    pass.taken.add(taken);
    List<List<Integer>> running = new ArrayList<>();
    TreeSet<Integer> spans = new TreeSet<>(pass.rows.stream().map(row -> row.span).toList());
    for (int span : spans) {
      running.addAll(span(pass, v, ways, span, taken));
    }
    List<Row> rows = new ArrayList<>();
    double[][] entering = new double[running.size()][];
    Way[] inner = new Way[running.size()];
    for (int i = 0; i < inner.length; i++) {
      List<Integer> own = running.get(i);
      rows.add(own.size() == 1 ? pass.rows.get(own.get(0)) : one(pass, own));
      entering[i] = own.size() == 1 ? v[own.get(0)] : mean(vectors(v, own));
      inner[i] = ways[own.get(0)];
      taken.ran[0] += inner[i] == Way.RUN ? 1 : 0;
    }
    double[][] added = chain.of(pass.within(rows), entering, inner);
    double[][] result = new double[v.length][];
    for (int i = 0; i < added.length; i++) {
      for (int row : running.get(i)) {
        result[row] = added[i];
      }
    }
    return result;
  }

  /** Returns the rows of a span as they run: one by one, or those of a block together. */
  private List<List<Integer>> span(Pass pass, double[][] v, Way[] ways, int span, Taken taken) {
    List<List<Integer>> running = new ArrayList<>();
    List<Integer> kept = new ArrayList<>();
    List<Integer> others = new ArrayList<>();
    for (int i = 0; i < v.length; i++) {
      if (pass.rows.get(i).span != span) {
        continue;
      }
      if (ways[i] != Way.RUN) {
        running.add(List.of(i));
      } else if (merged.kept().contains(pass.rows.get(i).position)) {
        running.add(List.of(i));
        kept.add(i);
        taken.choices[i] =
            new Choice(
                List.of(0), List.of(1.0), List.of(0), List.of(1.0), Double.POSITIVE_INFINITY);
      } else {
        others.add(i);
      }
    }
    List<List<Integer>> blocks = blocks(others);
    decide(pass, scored(pass, v, kept, blocks), taken);
    blocks.forEach(block -> running.addAll(running(block, taken)));
    running.sort(Comparator.comparing(rows -> rows.get(0)));
    return running;
  }

  /** Rule A30: rows in order make blocks, the last of what is left. */
  private List<List<Integer>> blocks(List<Integer> rows) {
    List<List<Integer>> blocks = new ArrayList<>();
    for (int from = 0; from < rows.size(); from += merged.size()) {
      blocks.add(rows.subList(from, Math.min(rows.size(), from + merged.size())));
    }
    return blocks;
  }

  /** Rule A30: one of the best blocks runs row by row, of any other its row alone. */
  private static List<List<Integer>> running(List<Integer> block, Taken taken) {
    Choice choice = taken.choices[block.get(0)];
    boolean together = choice != null && choice.experts().isEmpty();
    return together ? List.of(block) : block.stream().map(List::of).toList();
  }

  /** Rule A30: what kept rows give to each block, among the means of all blocks. */
  private List<Group> scored(
      Pass pass, double[][] v, List<Integer> kept, List<List<Integer>> blocks) {
    List<Shown> shown = new ArrayList<>();
    List<Integer> positions = new ArrayList<>();
    for (List<Integer> block : blocks) {
      int position = middle(pass, block);
      shown.add(attention.show(norm.of(mean(vectors(v, block))), position));
      positions.add(position);
    }
    double[] given = new double[blocks.size()];
    for (int row : blocks.isEmpty() ? List.<Integer>of() : kept) {
      double[] x = norm.of(v[row]);
      double[] own =
          attention.read(x, pass.rows.get(row).position, shown, positions).probabilities();
      for (int b = 0; b < given.length; b++) {
        given[b] += own[b] / kept.size();
      }
    }
    List<Group> groups = new ArrayList<>();
    for (int b = 0; b < given.length; b++) {
      boolean matters = merged.fine() > 0 && merged.fine() < given.length;
      if (matters && !Double.isFinite(given[b])) {
        throw new ArithmeticException(
            path + ": score " + given[b] + " of block " + b + " is not finite");
      }
      groups.add(new Group(blocks.get(b), given[b]));
    }
    return groups;
  }

  /** Rule A30: the best blocks run row by row, ties to the earlier one. */
  private void decide(Pass pass, List<Group> blocks, Taken taken) {
    List<Integer> order =
        IntStream.range(0, blocks.size())
            .boxed()
            .sorted(Comparator.comparing(b -> -blocks.get(b).score))
            .toList();
    int fine = merged.fine();
    for (int place = 0; place < order.size(); place++) {
      Group block = blocks.get(order.get(place));
      double margin = Double.POSITIVE_INFINITY;
      if (fine > 0 && fine < order.size()) {
        double border = blocks.get(order.get(place < fine ? fine : fine - 1)).score;
        margin = Math.abs(block.score - border);
      }
      List<Integer> own = place < fine ? List.of(0) : List.of();
      for (int row : block.rows) {
        List<Integer> forced = pass.forced.of(path, pass.rows.get(block.rows.get(0)));
        List<Integer> now = forced == null ? own : forced.stream().filter(e -> e != -1).toList();
        List<Double> gates = now.stream().map(e -> 1.0).toList();
        List<Double> scores = now.stream().map(e -> block.score).toList();
        taken.choices[row] = new Choice(now, gates, own, scores, margin);
      }
    }
  }

  /** Returns the row that stands for those of a block; nothing remembers it. */
  private static Row one(Pass pass, List<Integer> rows) {
    Row first = pass.rows.get(rows.get(0));
    Row one = new Row(first.memory.draft(), first.span, first.event, middle(pass, rows));
    one.count = rows.size();
    return one;
  }

  /** Returns the mean of positions, rounded half to even. */
  private static int middle(Pass pass, List<Integer> rows) {
    double sum = rows.stream().mapToInt(row -> pass.rows.get(row).position).sum();
    return (int) Math.rint(sum / rows.size());
  }

  private static List<double[]> vectors(double[][] v, List<Integer> rows) {
    return rows.stream().map(row -> v[row]).toList();
  }
}
