package anabranch.onnx.graph;

import anabranch.model.Attention;
import anabranch.model.Mixture;
import java.util.List;
import java.util.stream.Stream;

/**
 * One part of a stage. Hidden vectors are called {@code x} on the way in and {@code h} on the way
 * out; shapes are rows x width.
 */
public sealed interface Step {
  /** Returns the graphs of this step. */
  Stream<Graph> graphs();

  /**
   * Keys and values of all rows, queries of the live ones; the core runs on whole sequences and
   * leaves its result to the next step.
   *
   * <p>{@code keysAndValues} maps x (and cos, sin) to n, k, v; {@code query} maps n (and cos, sin)
   * to q. Without a norm there is no n, and {@code query} reads x under that name. With rotary
   * positions k and q have the shape 1 x rows x width, and so have cos and sin, at half a head's
   * width.
   *
   * @param attention the description
   * @param normed whether there is a norm before it
   * @param keysAndValues runs on all rows
   * @param query runs on live rows
   */
  record Attend(Attention attention, boolean normed, Graph keysAndValues, Graph query)
      implements Step {
    @Override
    public Stream<Graph> graphs() {
      return Stream.of(keysAndValues, query);
    }
  }

  /**
   * A run of layers that read their own row alone.
   *
   * @param graph maps x, and the update {@code u} that the step before left, to the outputs
   * @param update the length of the update that it finishes first; 0 for none
   * @param moves whether it has the output h; else x stays as it is
   * @param normed whether it has the output n, what the mixture behind it reads
   * @param logits the length of the output {@code logits} for the mixture behind it; 0 for none
   */
  record Tokenwise(Graph graph, int update, boolean moves, boolean normed, int logits)
      implements Step {
    @Override
    public Stream<Graph> graphs() {
      return Stream.of(graph);
    }
  }

  /**
   * A mixture: the host routes, each expert runs on its rows, the host adds them up.
   *
   * @param path the mixture's parameter path
   * @param mixture the description
   * @param normed whether experts read n of the step before; else x
   * @param finished whether the sum is added to x here; else the step behind it finishes the update
   * @param experts map x to y
   */
  record Mix(String path, Mixture mixture, boolean normed, boolean finished, List<Graph> experts)
      implements Step {
    /** Copies the list. */
    public Mix {
      experts = List.copyOf(experts);
    }

    @Override
    public Stream<Graph> graphs() {
      return experts.stream();
    }
  }
}
