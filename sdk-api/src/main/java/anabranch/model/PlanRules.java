package anabranch.model;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What input, plan and head owe each other. Stateless. */
final class PlanRules {
  private PlanRules() {}

  static void check(Plan plan, Input input, Embedding embedding, Head head, boolean memory) {
    ngrams(input, embedding);
    body("head", head);
    operations(plan, input, memory);
    order(plan, plan.parts(), head, memory);
    plan.alternatives().values().forEach(order -> order(plan, order, head, memory));
  }

  static void ngrams(Input input, Embedding embedding) {
    Embedding.Ngrams ngrams = embedding.ngrams();
    if (ngrams != null) {
      Bounds.require(
          input instanceof Input.Tokens, "embedding.ngrams needs token ids, input is features");
      Bounds.within(
          "embedding.ngrams.begin", ngrams.begin(), 0, ((Input.Tokens) input).vocabulary() - 1);
    }
  }

  static void operations(Plan plan, Input input, boolean memory) {
    for (Block block : plan.blocks()) {
      for (Operation operation : block.operations()) {
        if (operation.router() != null) {
          router(operation.router(), input);
        }
        Bounds.require(
            memory
                || !(operation instanceof Attention attention)
                || attention.mask() != Attention.Mask.MEMORY,
            "attention.mask MEMORY needs a model with an encoder, outside of it");
      }
    }
  }

  /** Checks that all routers that read a condition read the same one. */
  static void conditions(List<Plan> plans) {
    int known = 0;
    for (Plan plan : plans) {
      for (Block block : plan.blocks()) {
        for (Operation operation : block.operations()) {
          int numbers = operation.router() == null ? 0 : operation.router().condition();
          Bounds.require(
              numbers == 0 || known == 0 || numbers == known,
              "router.logits.numbers " + numbers + " is not " + known + ", as of a router before");
          known = Math.max(known, numbers);
        }
      }
    }
  }

  private static void router(Router router, Input input) {
    Bounds.require(
        !router.needsTokenIds() || input instanceof Input.Tokens,
        "router logits by token id need token ids, input is features");
    if (router.logits() instanceof Logits.TokenTable table) {
      int vocabulary = ((Input.Tokens) input).vocabulary();
      Bounds.within("router.table.size", table.size(), vocabulary, vocabulary);
    }
  }

  private static void body(String field, Head head) {
    if (head.body() == null) {
      return;
    }
    for (Operation operation : head.body().operations()) {
      Bounds.require(
          operation instanceof FeedForward || operation.remembers() > 0,
          field + " body " + operation + " is not a feed-forward network or a recurrence");
    }
  }

  private static void order(Plan plan, List<Part> order, Head head, boolean memory) {
    boolean ofItem = head.pool().ofItem();
    for (int i = 0; i < order.size(); i++) {
      Part part = order.get(i);
      List<Part> behind = order.subList(i + 1, order.size());
      if (part instanceof Exit exit) {
        exit(exit, head, mixes(plan, behind));
      } else if (part instanceof Loop loop && loop.until() != null) {
        halt(loop, loop.until(), ofItem, mixes(plan, List.of(loop)));
      } else if (part instanceof Prune prune) {
        prune(prune, head, plan, order.subList(0, i));
        for (Part later : behind) {
          if (later instanceof Exit exit && exit.head() != null) {
            pruned(prune, exit.head().pool());
          }
        }
      } else if (part instanceof DepthChoice choice) {
        Bounds.require(
            memory || choice.from() == DepthChoice.From.ROWS,
            "choice \"" + choice.id() + "\" from MEMORY needs a model with an encoder, outside it");
        Bounds.require(
            !ofItem || choice.pool().ofItem(),
            "choice \"" + choice.id() + "\" pool EACH does not go with a head of the item");
      }
    }
    freezing(plan, order);
    CarryRules.check(plan, order);
  }

  private static void exit(Exit exit, Head head, boolean mixesLater) {
    String field = "exit \"" + exit.id() + "\" ";
    Head own = exit.head();
    if (own == null) {
      throw new DescriptionException(field + "head is missing outside an encoder");
    }
    body(field + "head", own);
    Bounds.require(
        own.outputs() == head.outputs(),
        field + "outputs " + own.outputs() + " differ from the final " + head.outputs());
    Bounds.require(
        own.pool().ofItem() == head.pool().ofItem(),
        field + "pool " + own.pool() + " does not go with the final " + head.pool());
    boolean terminates = exit.bypass() == Bypass.TERMINATE;
    Bounds.require(
        !own.pool().ofItem() || terminates,
        field + "bypass " + exit.bypass() + " needs rows, but the whole item leaves");
    Bounds.require(
        own.pool().ofItem() || !terminates || !mixesLater,
        field + "bypass TERMINATE takes keys from later blocks that mix rows");
  }

  static void halt(Loop loop, Loop.Halt halt, boolean ofItem, boolean mixes) {
    String field = "halt \"" + halt.id() + "\" ";
    boolean terminates = halt.bypass() == Bypass.TERMINATE;
    Bounds.require(
        halt.bypass() != Bypass.DEFER_RECOMPUTE, field + "bypass DEFER_RECOMPUTE is for exits");
    Bounds.require(
        !halt.pool().ofItem() || terminates,
        field + "bypass " + halt.bypass() + " needs rows, but the whole item goes on");
    Bounds.require(
        halt.pool().ofItem() || !terminates || !mixes,
        field + "bypass TERMINATE takes keys from a loop that mixes rows");
    Bounds.require(
        !halt.pool().ofItem() || ofItem,
        field + "pool " + halt.pool() + " does not go with heads of single rows");
  }

  private static void prune(Prune prune, Head head, Plan plan, List<Part> before) {
    String field = "prune \"" + prune.id() + "\" ";
    pruned(prune, head.pool());
    if (!prune.score().ofAttention()) {
      return;
    }
    int from = before.size();
    while (from > 0 && !decides(before.get(from - 1))) {
      from--;
    }
    List<Block> since = visits(plan, before.subList(from, before.size()));
    if (prune.score().ofGraph()) {
      graph(prune, field, since);
      return;
    }
    boolean attends =
        since.stream().flatMap(block -> block.sublayers().stream()).anyMatch(PlanRules::attends);
    Bounds.require(
        attends, field + "score ATTENTION_RECEIVED needs attention since the last decision", "X10");
    Bounds.require(
        !merges(since),
        field + "score ATTENTION_RECEIVED does not go with merged rows since the last decision",
        "A30");
  }

  /** All rows of the event draw the graph, each with the same heads. */
  private static void graph(Prune prune, String field, List<Block> since) {
    Attention last = null;
    boolean alone = false;
    for (Block block : since) {
      for (Sublayer sublayer : block.sublayers()) {
        for (Attention attention : attentions(List.of(Block.of(sublayer))).toList()) {
          last = attention;
          alone = attends(sublayer);
        }
      }
    }
    String score = field + "score " + prune.score() + " ";
    if (last == null || !alone) {
      throw new DescriptionException(
          Bounds.ruled(
              score
                  + "needs attention since the last decision, the last of them in no other operation",
              "X19"));
    }
    Bounds.require(
        last.mask() == Attention.Mask.FULL,
        score + "needs attention.mask FULL since the last decision, not " + last.mask(),
        "X19");
    Bounds.require(
        last.routed() == null,
        score + "does not go with attention.routed, where rows ask with other heads",
        "X19");
    Bounds.require(
        prune.compared() != Prune.Compared.KEYS || last.latent() == null,
        field + "compared KEYS does not go with attention.latent, whose keys are made where read",
        "X20");
  }

  private static boolean merges(List<Block> blocks) {
    return blocks.stream()
        .flatMap(block -> block.operations().stream())
        .anyMatch(Chain.Merged.class::isInstance);
  }

  private static void pruned(Prune prune, Head.Pool pool) {
    String field = "prune \"" + prune.id() + "\" ";
    Bounds.require(
        pool == Head.Pool.FIRST || pool == Head.Pool.MEAN,
        field + "does not go with head pool " + pool + ", which needs rows that it may drop",
        "X9");
    Bounds.require(
        pool != Head.Pool.FIRST || prune.kept().contains(0),
        field + "kept " + prune.kept() + " lacks position 0, which the head reads",
        "X9");
  }

  private static boolean attends(Sublayer sublayer) {
    return sublayer.operation() instanceof Attention attention
        && attention.mask() != Attention.Mask.MEMORY;
  }

  private static boolean decides(Part part) {
    return part instanceof Exit
        || part instanceof Prune
        || part instanceof DepthChoice
        || part instanceof Loop loop && loop.until() != null;
  }

  /** Rows freeze in one way, and shared keys have one shape and a block that made them. */
  private static void freezing(Plan plan, List<Part> order) {
    Bypass way = null;
    List<Part> before = new ArrayList<>();
    for (Part part : order) {
      Bypass here = bypass(part);
      if (here != null && here.freezes()) {
        Bounds.require(
            way == null || way == here,
            "bypass " + here + " does not go with " + way + " at another place of the plan",
            "A17");
        way = here;
        if (here == Bypass.FREEZE_SHARE_KV) {
          List<Part> made = new ArrayList<>(before);
          if (part instanceof Loop loop) {
            made.addAll(loop.body());
          }
          Bounds.require(
              attentions(visits(plan, made)).findAny().isPresent()
                  || attentions(visits(plan, order)).findAny().isEmpty(),
              "bypass FREEZE_SHARE_KV has no attention before it whose keys could be shared",
              "A5");
        }
      }
      before.add(part);
    }
    boolean skipsShare =
        visits(plan, order).stream()
            .flatMap(block -> block.operations().stream())
            .anyMatch(o -> o instanceof Skip skip && skip.keys() == Bypass.FREEZE_SHARE_KV);
    Bounds.require(
        !skipsShare || way != Bypass.FREEZE_PROJECT,
        "skip.keys FREEZE_SHARE_KV does not go with bypass FREEZE_PROJECT in the same plan",
        "A17");
    if (skipsShare || way == Bypass.FREEZE_SHARE_KV) {
      Bounds.require(
          !merges(visits(plan, order)),
          "bypass FREEZE_SHARE_KV does not go with merged rows, which show no keys of their own",
          "A30");
      Bounds.require(
          attentions(visits(plan, order)).allMatch(a -> a.latent() == null),
          "bypass FREEZE_SHARE_KV does not go with attention.latent: its keys are made where read");
      long shapes =
          attentions(visits(plan, order))
              .map(a -> List.of(a.keyValueHeads(), a.headWidth(), a.mask(), "" + a.rotary()))
              .distinct()
              .count();
      Bounds.require(shapes <= 1, "bypass FREEZE_SHARE_KV needs attentions of one shape", "A5");
    }
  }

  private static @Nullable Bypass bypass(Part part) {
    if (part instanceof Exit exit) {
      return exit.bypass();
    }
    return part instanceof Loop loop && loop.until() != null ? loop.until().bypass() : null;
  }

  private static java.util.stream.Stream<Attention> attentions(List<Block> blocks) {
    return blocks.stream()
        .flatMap(block -> block.operations().stream())
        .filter(Attention.class::isInstance)
        .map(Attention.class::cast)
        .filter(attention -> attention.mask() != Attention.Mask.MEMORY);
  }

  static boolean mixes(Plan plan, List<Part> parts) {
    return visits(plan, parts).stream().anyMatch(Block::mixes);
  }

  private static List<Block> visits(Plan plan, List<Part> parts) {
    List<Block> visits = new ArrayList<>();
    for (Part part : parts) {
      if (part instanceof Part.Run run) {
        visits.add(plan.blocks().get(run.block()));
      } else if (part instanceof Part.Mean mean) {
        mean.blocks().forEach(block -> visits.add(plan.blocks().get(block)));
      } else if (part instanceof Loop loop) {
        visits.addAll(visits(plan, loop.body()));
      }
    }
    return visits;
  }
}
