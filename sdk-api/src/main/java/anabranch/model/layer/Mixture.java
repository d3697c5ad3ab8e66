package anabranch.model.layer;

import anabranch.error.Bounds;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Several feed-forward networks of one shape, of which a router picks a few for each row.
 *
 * @param experts how many there are, at least 1
 * @param expert the shape of each
 * @param router which rows see which members, and with what weight; it decides about the experts
 *     and, behind them, the specials
 * @param constant whether a learned vector is added for every row, whatever was picked (Wójcik et
 *     al., Adaptive Computation Modules)
 * @param shared a network that every row sees beside those that were picked; null for none
 * @param specials members that are no networks; null for none
 */
public record Mixture(
    int experts,
    FeedForward expert,
    Router router,
    boolean constant,
    @Nullable Shared shared,
    @Nullable Specials specials)
    implements Operation {
  /**
   * A network that every live row runs, added last and not routed (DeepSeek-V2). Several shared
   * experts of one shape are one network as long as all of them.
   *
   * @param network its shape
   * @param weighed whether its result is multiplied by {@code sigmoid(w . x)} (Qwen2-MoE)
   */
  public record Shared(FeedForward network, boolean weighed) {}

  /**
   * Members that cost next to nothing, numbered behind the experts: first those that answer zero,
   * then those that answer what they read, then learned constants, which answer {@code a0 * x + a1
   * * v} with {@code a = softmax(W x)} (Jin et al., MoE++).
   *
   * @param zeros from 0 on
   * @param identities from 0 on
   * @param constants from 0 on
   */
  public record Specials(int zeros, int identities, int constants) {
    /** Checks the bounds: there is at least one. */
    public Specials {
      Bounds.within("mixture.specials.zeros", zeros, 0, 1 << 16);
      Bounds.within("mixture.specials.identities", identities, 0, 1 << 16);
      Bounds.within("mixture.specials.constants", constants, 0, 1 << 16);
      Bounds.atLeast("mixture.specials", zeros + identities + constants, 1);
    }

    /** Returns members that answer what they read (LongCat-Flash). */
    public static Specials identities(int count) {
      return new Specials(0, count, 0);
    }

    /** Returns how many there are. */
    public int count() {
      return zeros + identities + constants;
    }
  }

  /**
   * An operation whose input is multiplied, element by element, by {@code m = 1 + sum g * W x} over
   * those of several matrices that a router picks for a row: {@code operation(m * x)} (Park et al.,
   * Switch Diffusion Transformer). Where none is picked, or all weigh 0, it is the operation.
   *
   * <p>Around a {@link Chain} it is what the paper has around a block: {@code x <- block(m * x) +
   * (1 - m) * x}. A row that does not run enters as it is.
   *
   * @param experts how many matrices there are, at least 1
   * @param router which of them make m for a row
   * @param operation what reads the product; no skip and no modulation, and none inside
   */
  public record Modulated(int experts, Router router, Operation operation) implements Operation {
    /** Checks the bounds, and that the router fits the number of matrices. */
    public Modulated {
      Bounds.within("modulated.experts", experts, 1, 1 << 16);
      router.checkAgainst(experts);
      Bounds.require(
          router.source() != Source.PROMPT_MEAN,
          "modulated.router.source PROMPT_MEAN is for skips: a modulation keeps no decision");
      Bounds.require(
          router.placement() == Placement.OUTPUT,
          "modulated.router.placement " + router.placement() + " is not OUTPUT");
      requirePlain(operation);
    }

    private static void requirePlain(Operation inner) {
      Bounds.require(!(inner instanceof Skip), "modulated.operation contains a skip");
      Bounds.require(!(inner instanceof Modulated), "modulated.operation contains a modulation");
      inner.parts().forEach(Modulated::requirePlain);
    }

    /** Returns this modulation with another router. */
    public Modulated with(Router other) {
      return new Modulated(experts, other, operation);
    }

    /** Returns the path of the operation's parameters, given the path of this one's. */
    public String operationPath(String path) {
      return operation instanceof Chain ? path : path + "." + Sublayer.nameOf(operation);
    }

    @Override
    public void parameters(String path, int width, Consumer<Parameter> into) {
      Mixture.router(router, path + ".router", width, experts, into);
      for (int e = 0; e < experts; e++) {
        into.accept(Parameter.matrix(path + ".experts." + e + ".weight", width, width));
      }
      operation.parameters(operationPath(path), width, into);
    }

    @Override
    public int members() {
      return experts;
    }

    @Override
    public List<Operation> parts() {
      return List.of(operation);
    }

    @Override
    public boolean mixes() {
      return operation.mixes();
    }
  }

  /**
   * One network whose inner vector is cut into slices, of which a router picks some for each row:
   * {@code down(act(fuse(a * [w0 * up0(x); w1 * up1(x); ...])))}, where a slice that is not picked
   * is zero before slices are fused (Chen et al., Mixture of Hidden Dimensions).
   *
   * <p>What is fused across slices reaches those that were not picked, so that the network is no
   * sum of members; fusion and {@code down} run in full for every row. The matrix of slice i has
   * the name {@code experts.i}.
   *
   * @param slices how many there are, at least 1
   * @param length of each, at least 1; all together are the inner vector
   * @param activation the non-linearity
   * @param bias whether each {@code up} and {@code down} add a bias
   * @param router which slices a row makes, with what weight
   * @param scaling what a is
   * @param fusion how slices are mixed; null for not at all
   */
  public record Sliced(
      int slices,
      int length,
      Activation activation,
      boolean bias,
      Router router,
      Scaling scaling,
      @Nullable Fusion fusion)
      implements Operation {
    /** What makes up for slices that a row does not make. */
    public enum Scaling {
      /** Nothing: the factor is 1. */
      NONE,
      /** The number of slices times the sum of the row's weights. */
      SUM
    }

    /**
     * A mixture of the numbers of an inner vector, before the non-linearity.
     *
     * <p>Its matrices stand one behind the other: rows {@code s * length} on of {@code
     * within.weight} are that of slice s; rows {@code p * slices} on of {@code across.weight} are
     * that of place p, and its row o makes the number of slice o.
     *
     * @param kind which numbers are mixed
     * @param bias whether a vector is added behind
     */
    public record Fusion(Kind kind, boolean bias) {
      /** Which numbers are mixed with each other. */
      public enum Kind {
        /** Those of each slice, by a matrix of its own. */
        WITHIN,
        /**
         * Those of each slice, then, for each place in a slice, those at that place in all slices,
         * by a matrix of its own: a product of two block-diagonal matrices (Dao et al., Monarch).
         */
        MONARCH
      }
    }

    /** Checks the bounds, and that the router fits the number of slices. */
    public Sliced {
      Bounds.within("sliced.slices", slices, 1, 1 << 16);
      Bounds.within("sliced.length", length, 1, Integer.MAX_VALUE / slices);
      router.checkAgainst(slices);
      Bounds.require(
          router.source() != Source.PROMPT_MEAN,
          "sliced.router.source PROMPT_MEAN is for skips: a network keeps no decision");
      Bounds.require(
          router.placement() == Placement.OUTPUT,
          "sliced.router.placement " + router.placement() + " is not OUTPUT");
    }

    /** Returns the length of the inner vector. */
    public int inner() {
      return slices * length;
    }

    /** Returns this network with another router. */
    public Sliced with(Router other) {
      return new Sliced(slices, length, activation, bias, other, scaling, fusion);
    }

    /** Returns this network with another factor. */
    public Sliced withScaling(Scaling other) {
      return new Sliced(slices, length, activation, bias, router, other, fusion);
    }

    /** Returns this network with another fusion, or none. */
    public Sliced withFusion(@Nullable Fusion other) {
      return new Sliced(slices, length, activation, bias, router, scaling, other);
    }

    @Override
    public void parameters(String path, int width, Consumer<Parameter> into) {
      Mixture.router(router, path + ".router", width, slices, into);
      for (int s = 0; s < slices; s++) {
        into.accept(Parameter.matrix(path + ".experts." + s + ".weight", length, width));
        if (bias) {
          into.accept(Parameter.vector(path + ".experts." + s + ".bias", length));
        }
      }
      if (fusion != null) {
        into.accept(Parameter.matrix(path + ".within.weight", inner(), length));
        if (fusion.kind() == Fusion.Kind.MONARCH) {
          into.accept(Parameter.matrix(path + ".across.weight", inner(), slices));
        }
        if (fusion.bias()) {
          into.accept(Parameter.vector(path + ".fusion.bias", inner()));
        }
      }
      into.accept(Parameter.matrix(path + ".down.weight", width, inner()));
      if (bias) {
        into.accept(Parameter.vector(path + ".down.bias", width));
      }
    }

    @Override
    public int members() {
      return slices;
    }

    @Override
    public boolean mixes() {
      return false;
    }
  }

  /** Checks the bounds, and that the router fits the number of members. */
  public Mixture {
    Bounds.within("mixture.experts", experts, 1, 1 << 16);
    router.checkAgainst(experts + (specials == null ? 0 : specials.count()));
    Bounds.require(
        router.source() != Source.PROMPT_MEAN,
        "mixture.router.source PROMPT_MEAN is for skips: a mixture keeps no decision");
  }

  /** Creates a mixture without shared and special members. */
  public Mixture(int experts, FeedForward expert, Router router, boolean constant) {
    this(experts, expert, router, constant, null, null);
  }

  /** Creates a mixture to which nothing is added. */
  public Mixture(int experts, FeedForward expert, Router router) {
    this(experts, expert, router, false);
  }

  /** Returns this mixture with a network that every row sees. */
  public Mixture withShared(FeedForward network, boolean weighed) {
    return new Mixture(experts, expert, router, constant, new Shared(network, weighed), specials);
  }

  /** Returns this mixture with members that are no networks. */
  public Mixture withSpecials(Specials added) {
    return new Mixture(experts, expert, router, constant, shared, added);
  }

  /** Returns this mixture with other experts and another router. */
  public Mixture with(FeedForward other, Router another) {
    return new Mixture(experts, other, another, constant, shared, specials);
  }

  /** Returns how many members the router decides about: the experts and the specials. */
  @Override
  public int members() {
    return experts + (specials == null ? 0 : specials.count());
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    router(router, path + ".router", width, members(), into);
    for (int e = 0; e < experts; e++) {
      expert.parameters(path + ".experts." + e, width, into);
    }
    for (int c = 0; specials != null && c < specials.constants(); c++) {
      into.accept(Parameter.matrix(path + ".constants." + c + ".weight", 2, width));
      into.accept(Parameter.vector(path + ".constants." + c + ".vector", width));
    }
    if (constant) {
      into.accept(Parameter.vector(path + ".constant", width));
    }
    if (shared != null) {
      shared.network().parameters(path + ".shared", width, into);
      if (shared.weighed()) {
        into.accept(Parameter.matrix(path + ".shared.score.weight", 1, width));
      }
    }
  }

  /** Lists the parameters of a router that decides about that many members. */
  static void router(Router router, String path, int width, int members, Consumer<Parameter> into) {
    int logits = router.logitsFor(members);
    if (router.logits() instanceof Logits.Network network) {
      into.accept(Parameter.matrix(path + ".hidden.weight", network.inner(), width));
      if (network.bias()) {
        into.accept(Parameter.vector(path + ".hidden.bias", network.inner()));
      }
    }
    if (router.hasWeight()) {
      into.accept(Parameter.matrix(path + ".weight", logits, router.logits().reads(width)));
    }
    if (router.hasBias()) {
      into.accept(Parameter.vector(path + ".bias", logits));
    }
    if (router.logits() instanceof Logits.TokenTable table) {
      into.accept(Parameter.vector(path + ".table", table.size()));
    }
    if (router.hasCorrection()) {
      into.accept(Parameter.vector(path + ".correction", logits));
    }
  }

  @Override
  public boolean mixes() {
    return false;
  }
}
