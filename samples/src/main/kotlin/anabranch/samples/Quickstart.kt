package anabranch.samples

import anabranch.backend.Event
import anabranch.dsl.model
import anabranch.dsl.open
import anabranch.dsl.policy
import anabranch.engine.Backends
import anabranch.engine.Item
import anabranch.model.route.Routers.mixtral
import anabranch.weights.Weights

fun main() {
  val spec =
    model("quickstart", width = 64) {
      tokens(vocabulary = 10, maxLength = 32)
      embedding(positions = true)
      layers(4) {
        attention(heads = 4)
        experts(8, inner = 128, router = mixtral(2))
      }
      exit("early", after = 2)
      head(outputs = 10)
    }
  val policy = spec.policy("v1") { exit("early", atLeast(0.45)) }
  Backends.named("onnx").open(spec, Weights.random(spec, 7), policy).use { engine ->
    val answer = engine.infer(Item.of("pi", Event.ofTokens(3, 1, 4, 1, 5, 9, 2, 6, 5)))
    println("blocks run by each token: " + List(answer.units(), answer::depth))
    println("arithmetic: ${100 * answer.flops() / answer.fullFlops()} % of full depth")
  }
}
