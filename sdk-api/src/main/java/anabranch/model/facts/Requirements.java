package anabranch.model.facts;

import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Plan;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import java.util.ArrayList;
import java.util.List;

/**
 * What a caller must bring, and what it must know, before a model may run.
 *
 * @param tokens whether events bring token ids; else numbers
 * @param numbers how many numbers each row brings; 0 for token ids
 * @param keys whether items must have keys, because something is drawn by them
 * @param condition how many numbers the condition of an event has, because routers read it; 0 where
 *     none does
 * @param memory whether an event for the encoder comes first
 * @param random whether anything is drawn; always from seeds, keys and positions
 * @param readsLaterRows the paths of the routers that read later rows of an event in a model that
 *     would be causal without them; to be accepted by name
 */
public record Requirements(
    boolean tokens,
    int numbers,
    boolean keys,
    int condition,
    boolean memory,
    boolean random,
    List<String> readsLaterRows) {
  /** Copies the list. */
  public Requirements {
    readsLaterRows = List.copyOf(readsLaterRows);
  }

  /** Returns the requirements of a model. */
  public static Requirements of(ModelSpec spec) {
    List<Router> routers = new ArrayList<>(routers(spec.plan()));
    Encoder encoder = spec.encoder();
    if (encoder != null) {
      routers.addAll(routers(encoder.plan()));
    }
    boolean keys = routers.stream().anyMatch(Router::needsKeys);
    return new Requirements(
        spec.input() instanceof Input.Tokens,
        spec.input().numbers(),
        keys,
        routers.stream().mapToInt(Router::condition).max().orElse(0),
        encoder != null,
        keys || routers.stream().anyMatch(router -> router.logits() instanceof Logits.Random),
        laterReaders(spec));
  }

  private static List<Router> routers(Plan plan) {
    return plan.blocks().stream()
        .flatMap(block -> Needs.routers(block.operations()).stream())
        .toList();
  }

  private static List<String> laterReaders(ModelSpec spec) {
    boolean mixes = false;
    for (Block block : spec.plan().blocks()) {
      for (Operation operation : block.operations()) {
        if (operation instanceof Attention attention && attention.mask() == Attention.Mask.FULL) {
          return List.of();
        }
        mixes |= operation.mixes();
      }
    }
    if (!mixes || spec.head().pool().ofItem()) {
      return List.of();
    }
    List<String> paths = new ArrayList<>();
    for (int b = 0; b < spec.plan().blocks().size(); b++) {
      for (Sublayer sublayer : spec.plan().blocks().get(b).sublayers()) {
        collect(sublayer.operation(), "blocks." + b + "." + sublayer.name(), paths);
      }
    }
    return paths;
  }

  private static void collect(Operation operation, String path, List<String> into) {
    Router router = operation.router();
    if (router != null && router.readsLaterRows()) {
      into.add(path);
    }
    if (operation instanceof Skip skip) {
      collect(skip.operation(), skip.operationPath(path), into);
    } else if (operation instanceof Mixture.Modulated modulated) {
      collect(modulated.operation(), modulated.operationPath(path), into);
    } else if (operation instanceof Chain chain) {
      chain.sublayers().forEach(s -> collect(s.operation(), path + "." + s.name(), into));
    }
  }
}
