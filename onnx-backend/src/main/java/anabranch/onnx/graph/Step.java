package anabranch.onnx.graph;

import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One part of a run of sublayers. Hidden vectors are called {@code x} on the way in and {@code h}
 * on the way out; shapes are rows x width.
 */
public sealed interface Step {
  /** Returns the graphs of this step, those of steps inside it included. */
  Stream<Graph> graphs();

  /** What becomes of the update that an operation computes for each row. */
  enum Finish {
    /** It is added to x at once. */
    ADDED,
    /** The step behind finishes it. */
    BEHIND,
    /** It takes the place of x: the operation stands alone. */
    ALONE,
    /** It multiplies x. */
    FACTOR
  }

  /**
   * Keys and values of the rows that show some, queries of the live ones; the core runs on whole
   * sequences and leaves its result to the next step.
   *
   * <p>{@code keysAndValues} maps x (and cos, sin) to n, k, v; {@code query} maps n (and cos, sin)
   * to q. Without a norm there is no n, and {@code query} reads x under that name. With rotary
   * positions k and q have the shape 1 x rows x width, and so have cos and sin, for each pair that
   * is rotated. Where every row runs, {@code keysAndValues} maps x to q as well, and there is
   * neither n nor {@code query}. With the mask MEMORY x are rows of the memory, and {@code query}
   * has the norm.
   *
   * @param path the attention's parameter path
   * @param attention the description
   * @param normed whether there is an output n
   * @param counts whether rows may stand for several
   * @param keysAndValues runs on rows that show keys
   * @param query runs on live rows; null where others ask, or {@code keysAndValues} does
   */
  record Attend(
      String path,
      Attention attention,
      boolean normed,
      boolean counts,
      Graph keysAndValues,
      @Nullable Graph query)
      implements Step {
    /** Returns whether one graph makes queries, keys and values. */
    public boolean atOnce() {
      return query == null && attention.routed() == null;
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.concat(Stream.of(keysAndValues), Stream.ofNullable(query));
    }
  }

  /**
   * An attention whose heads are routed: {@code attend} shows keys and values, and its query graph
   * maps n to logits of live rows; the host routes, each expert makes queries of its rows, the core
   * runs with those of all experts of a row, each expert projects what its own heads read, and the
   * host adds up.
   *
   * @param attend what it has of an attention; without logits its query graph is null
   * @param router maps x, one vector for each sequence, to logits; null where rows have their own
   * @param rotation maps q (and cos, sin) of all heads to q; null where nothing turns
   * @param queries map x to q, expert by expert
   * @param results map u, what an expert's heads read, to y
   * @param finish what becomes of the sum
   */
  record AttendRouted(
      Attend attend,
      @Nullable Graph router,
      @Nullable Graph rotation,
      List<Graph> queries,
      List<Graph> results,
      Finish finish)
      implements Step {
    /** Copies the lists. */
    public AttendRouted {
      queries = List.copyOf(queries);
      results = List.copyOf(results);
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.of(
              attend.graphs(),
              Stream.ofNullable(router),
              Stream.ofNullable(rotation),
              queries.stream(),
              results.stream())
          .flatMap(graphs -> graphs);
    }
  }

  /**
   * An attention whose projections are routed for each head: {@code attend} shows keys and, in the
   * place of values, logits {@code z} of all their heads; the host routes, experts make the values
   * of their rows, the core runs on the sums, and then the same with logits of live rows and what
   * their heads read.
   *
   * @param attend what it has of an attention
   * @param router maps n to the logits z of all heads of the result
   * @param values map x to y, head by head, expert by expert
   * @param results map what a head reads to y, head by head, expert by expert
   * @param finish what becomes of the sum
   */
  record AttendProjected(
      Attend attend,
      Graph router,
      List<List<Graph>> values,
      List<List<Graph>> results,
      Finish finish)
      implements Step {
    /** Copies the lists. */
    public AttendProjected {
      values = values.stream().map(List::copyOf).toList();
      results = results.stream().map(List::copyOf).toList();
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.of(
              attend.graphs(),
              Stream.of(router),
              values.stream().flatMap(List::stream),
              results.stream().flatMap(List::stream))
          .flatMap(graphs -> graphs);
    }
  }

  /**
   * A run of layers that read their own row alone.
   *
   * @param graph maps x, and the update {@code u} that the step before left, to the outputs
   * @param reads whether it has the input x
   * @param update the length of the update that it finishes first; 0 for none
   * @param moves whether it has the output h; else x stays as it is
   * @param normed whether it has the output n, what the mixture behind it reads
   * @param logits the length of the output {@code logits} for the mixture behind it; 0 for none
   */
  record Tokenwise(
      Graph graph, boolean reads, int update, boolean moves, boolean normed, int logits)
      implements Step {
    @Override
    public Stream<Graph> graphs() {
      return Stream.of(graph);
    }
  }

  /**
   * A mixture, or the factor of a modulation: the host routes, each expert runs on its rows, the
   * host adds them up.
   *
   * @param path the bank's parameter path
   * @param bank the description: a mixture or a modulation
   * @param normed whether experts read n of the step before; else x
   * @param router maps x, one vector for each sequence, to logits; null where rows have their own
   * @param finish what becomes of the sum
   * @param experts map x to y; behind the experts those of constants
   * @param shared maps x of every live row to y, its weight included; null for none
   */
  record Mix(
      String path,
      Operation bank,
      boolean normed,
      @Nullable Graph router,
      Finish finish,
      List<Graph> experts,
      @Nullable Graph shared)
      implements Step {
    /** Copies the list. */
    public Mix {
      experts = List.copyOf(experts);
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.of(Stream.ofNullable(router), experts.stream(), Stream.ofNullable(shared))
          .flatMap(graphs -> graphs);
    }
  }

  /**
   * The slices of a network: the host routes, each slice is made for its rows, the host weighs and
   * scales them and leaves an update of the inner vector.
   *
   * @param path the network's parameter path
   * @param sliced the description
   * @param normed whether slices read n of the step before; else x
   * @param router maps x, one vector for each sequence, to logits; null where rows have their own
   * @param slices map x to y
   */
  record Sliced(
      String path,
      Mixture.Sliced sliced,
      boolean normed,
      @Nullable Graph router,
      List<Graph> slices)
      implements Step {
    /** Copies the list. */
    public Sliced {
      slices = List.copyOf(slices);
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.concat(Stream.ofNullable(router), slices.stream());
    }
  }

  /**
   * A recurrence: {@code in} maps x to uz (rows x 2 inner), the host convolves u, {@code project}
   * maps u to dt (rows x inner, before the softplus) and bc (rows x 2 states), the host recurs and
   * leaves an update of length inner.
   *
   * @param path the recurrence's parameter path
   * @param recurrence the description
   * @param in runs on rows that the recurrence takes
   * @param project runs on the same
   */
  record Recur(String path, Recurrence recurrence, Graph in, Graph project) implements Step {
    @Override
    public Stream<Graph> graphs() {
      return Stream.of(in, project);
    }
  }

  /**
   * A linear memory: {@code in} maps x to {@code B u} and n (rows x (states + width)), the host
   * takes the rows in order and leaves an update of m and n.
   *
   * @param path the memory's parameter path
   * @param memory the description
   * @param in runs on rows that the memory takes
   */
  record Remember(String path, Recurrence.LinearMemory memory, Graph in) implements Step {
    @Override
    public Stream<Graph> graphs() {
      return Stream.of(in);
    }
  }

  /**
   * A merged chain: the host scores blocks of rows by the first of the steps, which is an
   * attention, runs the steps on the rows of the best blocks and on the means of the others, and
   * gives each row what they add to its own.
   *
   * @param path the parameter path
   * @param merged the description
   * @param lead maps x to n, what the chain reads; null where that is x
   * @param finish what becomes of the result
   * @param steps what runs
   */
  record Merge(
      String path, Chain.Merged merged, @Nullable Graph lead, Finish finish, List<Step> steps)
      implements Step {
    /** Copies the list. */
    public Merge {
      steps = List.copyOf(steps);
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.concat(Stream.ofNullable(lead), steps.stream().flatMap(Step::graphs));
    }
  }

  /**
   * An operation of steps of its own: a chain, what a skip's router lets some rows pass, or what
   * reads a product, made by the first of the steps.
   *
   * @param path the parameter path of the skip, the chain or the modulation
   * @param skip the skip; null for what every row passes
   * @param operation what the steps compute
   * @param lead maps x to n and logits, as far as there are any; null for neither
   * @param normed whether the steps read n; else x
   * @param logits the length of the output {@code logits}; 0 for none
   * @param router maps x, one vector for each sequence, to logits; null where rows have their own
   * @param finish what becomes of the result
   * @param steps what runs
   * @param chain whether the steps leave a sum with what they read, which is taken off again
   */
  record Inside(
      String path,
      @Nullable Skip skip,
      Operation operation,
      @Nullable Graph lead,
      boolean normed,
      int logits,
      @Nullable Graph router,
      Finish finish,
      List<Step> steps,
      boolean chain)
      implements Step {
    /** Copies the list. */
    public Inside {
      steps = List.copyOf(steps);
    }

    @Override
    public Stream<Graph> graphs() {
      return Stream.concat(
          Stream.of(lead, router).filter(Objects::nonNull).map(Objects::requireNonNull),
          steps.stream().flatMap(Step::graphs));
    }
  }
}
