package anabranch.conformance.faulty;

import anabranch.conformance.space.Rewrite;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Part;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;

/** Runs another description than the one it was given: override the part that is misread. */
class Rewritten extends Broken {
  @Override
  ModelSpec change(ModelSpec spec) {
    ModelSpec operations = Rewrite.operations(spec, this::changed);
    ModelSpec parts = Rewrite.parts(operations, this::change);
    return new ModelSpec(
        parts.name(),
        parts.width(),
        parts.encoder(),
        change(parts.input()),
        change(parts.embedding()),
        parts.plan(),
        change(parts.head()));
  }

  @Override
  Tensor added(Parameter parameter) {
    float[] ascending = new float[(int) parameter.elements()];
    for (int i = 0; i < ascending.length; i++) {
      ascending[i] = 1e-7f * i;
    }
    return MemoryWeights.tensor(parameter.name(), parameter.shape(), ascending);
  }

  Input change(Input input) {
    return input;
  }

  Embedding change(Embedding embedding) {
    return embedding;
  }

  Part change(Part part) {
    return part instanceof Exit exit ? change(exit) : part;
  }

  Exit change(Exit exit) {
    Head head = exit.head();
    return new Exit(exit.id(), head == null ? null : change(head), exit.criterion(), exit.bypass());
  }

  Head change(Head head) {
    return head;
  }

  private Operation changed(Operation operation) {
    if (operation instanceof Mixture mixture) {
      return change(mixture.with(change(mixture.expert()), changed(mixture.router())));
    } else if (operation instanceof Mixture.Modulated modulated) {
      return change(modulated.with(changed(modulated.router())));
    } else if (operation instanceof Mixture.Sliced sliced) {
      return change(sliced.with(changed(sliced.router())));
    } else if (operation instanceof Chain.Merged merged) {
      return change(merged);
    } else if (operation instanceof Skip skip) {
      return change(new Skip(changed(skip.router()), skip.operation(), skip.keys()));
    } else if (operation instanceof Attention attention) {
      return change(attention);
    } else if (operation instanceof FeedForward network) {
      return change(network);
    }
    return operation;
  }

  private Router changed(Router router) {
    return change(
        new Router(
            router.source(),
            router.logits(),
            router.score(),
            change(router.preference()),
            change(router.selection()),
            change(router.gate()),
            change(router.capacity()),
            change(router.placement())));
  }

  Mixture change(Mixture mixture) {
    return mixture;
  }

  Operation change(Mixture.Modulated modulated) {
    return modulated;
  }

  Operation change(Mixture.Sliced sliced) {
    return sliced;
  }

  Operation change(Chain.Merged merged) {
    return merged;
  }

  Skip change(Skip skip) {
    return skip;
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

  Selection change(Selection selection) {
    return selection;
  }

  Gate change(Gate gate) {
    return gate;
  }

  Capacity change(Capacity capacity) {
    return capacity;
  }

  Placement change(Placement placement) {
    return placement;
  }
}
