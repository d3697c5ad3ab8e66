package anabranch.onnx.joined;

import anabranch.model.facts.Visit;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Router;
import anabranch.onnx.attention.Angles;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.session.Opener;
import anabranch.onnx.step.StepLoader;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Joins the steps of blocks that run one after another into few large graphs, and loads them. What
 * ends a graph: an attention's core, a step whose decisions the host takes, and the last block.
 * Confined to one load.
 */
public final class Joiner {
  private final int width;
  private final Opener opener;
  private final StepLoader loader;
  private final long most;
  private @Nullable SegmentGraph open;
  private int openedIn;
  private List<LoadedStep> home = List.of();

  /**
   * Creates a joiner.
   *
   * @param width the length of a hidden vector
   * @param loader loads what is not joined
   * @param most bytes of weights that the message of a graph may come to by what is joined to it
   */
  public Joiner(int width, Opener opener, StepLoader loader, long most) {
    this.width = width;
    this.opener = opener;
    this.loader = loader;
    this.most = most;
  }

  /**
   * Loads blocks.
   *
   * @param blocks one for each of as many visits, each the only one of its visit
   * @return the steps of each visit, of which some may stand in an earlier visit than they are of
   */
  public List<List<LoadedStep>> load(List<Visit.Member> blocks) {
    List<List<LoadedStep>> visits = new ArrayList<>();
    for (Visit.Member block : blocks) {
      List<LoadedStep> steps = new ArrayList<>();
      visits.add(steps);
      int visit = visits.size() - 1;
      List<Step> parts = BlockGraphs.of(width, block.path(), block.block().sublayers());
      for (int i = 0; i < parts.size(); i++) {
        endBefore(parts.subList(i, parts.size()));
        add(parts.get(i), block, visit, steps);
      }
    }
    close(null);
    return visits;
  }

  private void add(Step step, Visit.Member block, int visit, List<LoadedStep> steps) {
    if (step instanceof Step.Tokenwise layers) {
      open(layers.graph().name(), visit, steps).layers(layers);
    } else if (step instanceof Step.Mix mix && mixed(mix, block, visit, steps)) {
      return;
    } else if (step instanceof Step.Attend attend
        && attend.query() != null
        && attend.attention().mask() != Attention.Mask.MEMORY) {
      CoreShape shape = CoreShape.of(attend.attention(), attend.counts());
      Angles angles = loader.angles(attend.attention());
      open(attend.path(), visit, steps).front(attend, shape, angles != null);
      CoreStep core = new CoreStep(loader.core(attend), shape.resultWidth());
      close(new Ports.Front(shape, angles, core));
      steps.add(core);
    } else {
      close(null);
      steps.add(loader.load(step, block.index()));
    }
  }

  /** Ends the graph if the next step, and a mixture that hangs on it, would make it too large. */
  private void endBefore(List<Step> rest) {
    if (open != null && open.mayEnd()) {
      int next = rest.size() > 1 && rest.get(1) instanceof Step.Mix ? 2 : 1;
      long more =
          rest.subList(0, next).stream()
              .filter(step -> !(step instanceof Step.Mix mix) || experts(mix) != null)
              .flatMap(Step::graphs)
              .mapToLong(Graph::messageBytes)
              .sum();
      if (open.graph().messageBytes() + more > most) {
        close(null);
      }
    }
  }

  /**
   * Adds a mixture, unless the host decides there, which is noted, or no operator has its experts.
   */
  private boolean mixed(Step.Mix mix, Visit.Member block, int visit, List<LoadedStep> steps) {
    if (!(mix.bank() instanceof Mixture mixture)) {
      return false;
    }
    Router router = mixture.router();
    String why = RouterGraph.hosted(router);
    if (why != null) {
      opener.note("the host decides at " + mix.path() + ": " + why);
    }
    Graph experts = experts(mix);
    if (experts == null) {
      return false;
    }
    long behind = mix.shared() == null ? 0 : mix.shared().messageBytes();
    if (open != null && open.graph().messageBytes() + experts.messageBytes() + behind > most) {
      opener.note("the host decides at " + mix.path() + ": one message would hold 2 GB of weights");
      return false;
    }
    Bank bank = loader.bank(mix.path(), block.index(), router, mixture.members(), null);
    SegmentGraph graph = open(mix.path(), visit, steps);
    graph.mixture(mix, mixture, bank, experts, visit - openedIn);
    return true;
  }

  /** Returns the operator that has the experts of a mixture which may be inside; else null. */
  private @Nullable Graph experts(Step.Mix mix) {
    return mix.bank() instanceof Mixture mixture && RouterGraph.hosted(mixture.router()) == null
        ? MemberGraphs.fused(width, mix.path(), mixture, opener.products(), opener.kernels())
        : null;
  }

  private SegmentGraph open(String name, int visit, List<LoadedStep> steps) {
    if (open == null) {
      open = new SegmentGraph(name, width);
      openedIn = visit;
      home = steps;
    }
    return open;
  }

  private void close(Ports.@Nullable Front front) {
    if (open != null) {
      Ports ports = open.done(front);
      home.add(new SegmentStep(ports, opener.open(open.graph())));
      open = null;
    }
  }
}
