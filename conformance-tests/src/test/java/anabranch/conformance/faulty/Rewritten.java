package anabranch.conformance.faulty;

import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Operation;
import anabranch.model.Parameter;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Gate;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Runs another description than the one it was given: override the part that is misread. */
class Rewritten extends Broken {
  @Override
  ModelSpec change(ModelSpec spec) {
    List<Plan.Part> parts = new ArrayList<>();
    for (Plan.Part part : spec.plan().parts()) {
      if (part instanceof Exit exit) {
        parts.add(change(exit));
      } else {
        List<Sublayer> sublayers = new ArrayList<>();
        for (Sublayer sublayer : ((Block) part).sublayers()) {
          sublayers.add(
              new Sublayer(
                  sublayer.name(),
                  sublayer.before(),
                  change(sublayer.operation()),
                  sublayer.after(),
                  sublayer.afterSum()));
        }
        parts.add(new Block(sublayers));
      }
    }
    return new ModelSpec(
        spec.name(),
        spec.width(),
        spec.input(),
        change(spec.embedding()),
        new Plan(parts),
        change(spec.head()));
  }

  @Override
  Tensor added(Parameter parameter) {
    float[] ascending = new float[(int) parameter.elements()];
    for (int i = 0; i < ascending.length; i++) {
      ascending[i] = 1e-7f * i;
    }
    return MemoryWeights.tensor(parameter.name(), parameter.shape(), ascending);
  }

  Embedding change(Embedding embedding) {
    return embedding;
  }

  Exit change(Exit exit) {
    return new Exit(exit.id(), change(exit.head()), exit.criterion(), exit.bypass());
  }

  Head change(Head head) {
    return head;
  }

  private Operation change(Operation operation) {
    if (operation instanceof Attention attention) {
      return change(attention);
    }
    if (operation instanceof FeedForward network) {
      return change(network);
    }
    Mixture mixture = (Mixture) operation;
    Router router = mixture.router();
    return new Mixture(
        mixture.experts(),
        change(mixture.expert()),
        change(
            new Router(
                router.source(),
                router.logits(),
                router.score(),
                change(router.preference()),
                router.selection(),
                change(router.gate()),
                router.capacity(),
                change(router.placement()))));
  }

  Attention change(Attention attention) {
    return attention;
  }

  FeedForward change(FeedForward network) {
    return network;
  }

  Router change(Router router) {
    return router;
  }

  Preference change(Preference preference) {
    return preference;
  }

  Gate change(Gate gate) {
    return gate;
  }

  Placement change(Placement placement) {
    return placement;
  }
}
