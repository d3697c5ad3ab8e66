package anabranch.onnx.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Block;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.onnx.Models;
import anabranch.weights.Weights;
import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class BlockGraphsTest {
  @Test
  void eachWeightIsInExactlyOneGraph() {
    for (ModelSpec spec : Models.all()) {
      List<String> held = new ArrayList<>();
      graphs(spec).forEach(graph -> held.addAll(graph.weights()));
      Set<String> expected =
          spec.parameters().stream()
              .map(Parameter::name)
              .filter(name -> !isOnHost(name))
              .collect(Collectors.toSet());
      assertEquals(expected, new HashSet<>(held), spec.name());
      assertEquals(expected.size(), held.size(), spec.name());
    }
  }

  @Test
  void everyNodeReadsWhatIsThere() throws InvalidProtocolBufferException {
    for (ModelSpec spec : Models.all()) {
      Weights weights = Weights.random(spec, 1);
      for (Graph graph : graphs(spec)) {
        OnnxMl.GraphProto read =
            OnnxMl.ModelProto.parseFrom(graph.model(weights, ByteBuffer::allocateDirect, null))
                .getGraph();
        Set<String> known = new HashSet<>();
        read.getInputList().forEach(input -> known.add(input.getName()));
        read.getInitializerList().forEach(constant -> known.add(constant.getName()));
        for (OnnxMl.NodeProto node : read.getNodeList()) {
          assertTrue(known.containsAll(node.getInputList()), graph.name() + " " + node);
          known.addAll(node.getOutputList());
        }
        read.getOutputList()
            .forEach(output -> assertTrue(known.contains(output.getName()), graph.name()));
      }
    }
  }

  @Test
  void queriesHaveWeightsOfTheirOwn() {
    ModelSpec spec = Models.causal();
    List<Sublayer> sublayers = spec.plan().blocks().get(0).sublayers();
    Step.Attend attend = (Step.Attend) BlockGraphs.of(spec.width(), "blocks.0", sublayers).get(0);
    assertEquals(List.of("blocks.0.attention.q.weight"), attend.query().weights());
    assertTrue(attend.keysAndValues().weights().contains("blocks.0.attention.before.weight"));
  }

  @Test
  void whereEveryRowRunsOneGraphMakesQueriesKeysAndValues() {
    ModelSpec spec = Models.causal();
    List<Sublayer> sublayers = spec.plan().blocks().get(0).sublayers();
    Step.Attend attend = ofEveryRow(spec, sublayers, Graph.MOST_MESSAGE_BYTES);
    assertTrue(attend.atOnce());
    assertNull(attend.query());
    assertFalse(attend.normed());
    assertTrue(
        attend
            .keysAndValues()
            .weights()
            .containsAll(
                List.of(
                    "blocks.0.attention.q.weight",
                    "blocks.0.attention.k.weight",
                    "blocks.0.attention.v.weight")));
  }

  /** No model in a test is as large as the bound of the format. */
  @Test
  void oneGraphOfAllIsDividedWhereItWouldBeTooLarge() {
    ModelSpec spec = Models.causal();
    List<Sublayer> sublayers = spec.plan().blocks().get(0).sublayers().subList(0, 1);
    Step.Attend whole = ofEveryRow(spec, sublayers, Graph.MOST_MESSAGE_BYTES);
    long bytes = whole.keysAndValues().weightBytes();
    assertTrue(ofEveryRow(spec, sublayers, bytes).atOnce());
    Step.Attend divided = ofEveryRow(spec, sublayers, bytes - 1);
    assertFalse(divided.atOnce());
    assertEquals(List.of("blocks.0.attention.q.weight"), divided.query().weights());
  }

  private static Step.Attend ofEveryRow(ModelSpec spec, List<Sublayer> sublayers, long most) {
    return (Step.Attend) BlockGraphs.ofEveryRow(spec.width(), "blocks.0", sublayers, most).get(0);
  }

  private static boolean isOnHost(String name) {
    return name.matches("(encoder\\.)?embedding\\.(tokens|positions|fields\\..*|ngrams\\.\\d)")
        || name.endsWith(".correction")
        || name.endsWith(".constant")
        || name.matches(".*\\.recurrence\\.(a|d|convolution\\..*)");
  }

  private static List<Graph> graphs(ModelSpec spec) {
    List<Graph> graphs = new ArrayList<>();
    int width = spec.width();
    embedding("embedding", width, spec.input(), spec.embedding(), graphs);
    Encoder encoder = spec.encoder();
    if (encoder != null) {
      embedding("encoder.embedding", width, encoder.input(), encoder.embedding(), graphs);
      graphs.add(EdgeGraphs.norm("encoder.norm", width, Objects.requireNonNull(encoder.norm())));
    }
    Set<String> seen = new HashSet<>();
    for (StageSpec stage : Cut.of(spec).stages()) {
      for (Visit visit : stage.visits()) {
        for (Visit.Member member : visit.blocks()) {
          if (seen.add(member.path())) {
            block(width, member.path(), member.block(), graphs);
          }
        }
      }
      point(width, stage.point(), graphs);
    }
    return graphs;
  }

  private static void embedding(
      String path, int width, Input input, Embedding embedding, List<Graph> into) {
    Graph graph = EdgeGraphs.embedding(path, width, input, embedding);
    if (graph != null) {
      into.add(graph);
    }
  }

  private static void block(int width, String path, Block block, List<Graph> into) {
    BlockGraphs.of(width, path, block.sublayers())
        .forEach(step -> step.graphs().forEach(into::add));
  }

  private static void point(int width, Point point, List<Graph> into) {
    Head head = point.head();
    if (head != null) {
      into.add(PointGraphs.head(point.path(), width, head));
      if (head.body() != null) {
        block(width, point.path(), head.body(), into);
      }
    }
    if (point.score() == Criterion.Score.LEARNED) {
      into.add(PointGraphs.learned(point.path(), width));
    }
    if (point instanceof Point.AtChoice at) {
      into.add(PointGraphs.choice(at.path(), width, at.depths(), at.choice().bias()));
    }
  }
}
