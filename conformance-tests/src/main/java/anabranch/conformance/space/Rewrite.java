package anabranch.conformance.space;

import anabranch.model.Encoder;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Router;
import java.util.List;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Descriptions with one thing changed wherever it stands. Stateless. */
public final class Rewrite {
  private Rewrite() {}

  /** Changes operations, inner ones before those around them. */
  public static ModelSpec operations(ModelSpec spec, UnaryOperator<Operation> change) {
    Encoder encoder = spec.encoder();
    Encoder other =
        encoder == null
            ? null
            : new Encoder(
                encoder.input(),
                encoder.embedding(),
                blocks(encoder.plan(), change),
                encoder.norm());
    return new ModelSpec(
        spec.name(),
        spec.width(),
        other,
        spec.input(),
        spec.embedding(),
        blocks(spec.plan(), change),
        spec.head());
  }

  /** Changes all routers. */
  public static ModelSpec routers(ModelSpec spec, UnaryOperator<Router> change) {
    return operations(
        spec,
        operation -> {
          if (operation instanceof Mixture mixture) {
            return mixture.with(mixture.expert(), change.apply(mixture.router()));
          } else if (operation instanceof Mixture.Modulated modulated) {
            return modulated.with(change.apply(modulated.router()));
          } else if (operation instanceof Mixture.Sliced sliced) {
            return sliced.with(change.apply(sliced.router()));
          } else if (operation instanceof Skip skip) {
            return new Skip(change.apply(skip.router()), skip.operation(), skip.keys());
          } else if (operation instanceof Attention attention && attention.routed() != null) {
            RoutedHeads heads = attention.routed();
            return attention.withRouted(
                new RoutedHeads(heads.experts(), change.apply(heads.router()), heads.constant()));
          } else if (operation instanceof Attention attention && attention.projections() != null) {
            Attention.RoutedProjections each = attention.projections();
            return attention.withProjections(
                new Attention.RoutedProjections(each.experts(), change.apply(each.router())));
          }
          return operation;
        });
  }

  /** Changes exits outside of encoders. */
  public static ModelSpec exits(ModelSpec spec, UnaryOperator<Exit> change) {
    return parts(spec, part -> part instanceof Exit exit ? change.apply(exit) : part);
  }

  /** Changes the parts of the plan outside of encoders, in every order; null leaves one out. */
  public static ModelSpec parts(ModelSpec spec, Change change) {
    Plan plan = spec.plan();
    TreeMap<String, List<Part>> others = new TreeMap<>();
    plan.alternatives().forEach((name, order) -> others.put(name, changed(order, change)));
    return spec.withPlan(
        new Plan(plan.blocks(), changed(plan.parts(), change), others, plan.chosen()));
  }

  /** A change of one part. */
  public interface Change {
    /** Returns what stands instead; null for nothing. */
    @Nullable Part of(Part part);
  }

  private static List<Part> changed(List<Part> order, Change change) {
    return order.stream().map(change::of).filter(part -> part != null).toList();
  }

  private static Plan blocks(Plan plan, UnaryOperator<Operation> change) {
    List<Block> blocks =
        plan.blocks().stream().map(block -> new Block(inside(block.sublayers(), change))).toList();
    return new Plan(blocks, plan.parts(), plan.alternatives(), plan.chosen());
  }

  private static List<Sublayer> inside(List<Sublayer> sublayers, UnaryOperator<Operation> change) {
    return sublayers.stream().map(each -> each.with(inside(each.operation(), change))).toList();
  }

  private static Operation inside(Operation operation, UnaryOperator<Operation> change) {
    Operation inner = operation;
    if (operation instanceof Skip skip) {
      inner = new Skip(skip.router(), inside(skip.operation(), change), skip.keys());
    } else if (operation instanceof Mixture.Modulated m) {
      inner = new Mixture.Modulated(m.experts(), m.router(), inside(m.operation(), change));
    } else if (operation instanceof Chain.Merged m) {
      Chain chain = new Chain(inside(m.chain().sublayers(), change));
      inner = new Chain.Merged(m.size(), m.fine(), m.kept(), chain);
    } else if (operation instanceof Chain chain) {
      inner = new Chain(inside(chain.sublayers(), change));
    }
    return change.apply(inner);
  }
}
