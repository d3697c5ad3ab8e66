package anabranch.onnx.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl;
import anabranch.model.ModelSpec;
import anabranch.model.Parameter;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import anabranch.onnx.Models;
import anabranch.weights.Weights;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class StageGraphsTest {
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
        OnnxMl.GraphProto read = OnnxMl.ModelProto.parseFrom(graph.model(weights)).getGraph();
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
    Step.Attend attend = (Step.Attend) StageGraphs.of(spec, Cut.of(spec).get(0)).get(0);
    assertEquals(List.of("blocks.0.attention.q.weight"), attend.query().weights());
    assertTrue(attend.keysAndValues().weights().contains("blocks.0.attention.before.weight"));
  }

  private static boolean isOnHost(String name) {
    return name.equals("embedding.tokens")
        || name.equals("embedding.positions")
        || name.matches("embedding\\.ngrams\\.\\d")
        || name.endsWith(".correction");
  }

  private static List<Graph> graphs(ModelSpec spec) {
    List<Graph> graphs = new ArrayList<>();
    Graph embedding = EdgeGraphs.embedding(spec);
    if (embedding != null) {
      graphs.add(embedding);
    }
    for (StageSpec stage : Cut.of(spec)) {
      StageGraphs.of(spec, stage).forEach(step -> step.graphs().forEach(graphs::add));
      graphs.add(EdgeGraphs.head(spec, stage.point().head(), stage.point().path()));
    }
    return graphs;
  }
}
