@file:JvmName("FlowsModel")

package anabranch.samples.flows

import anabranch.dsl.model
import anabranch.dsl.policy
import anabranch.dsl.preNorm
import anabranch.engine.Policy
import anabranch.model.ModelSpec
import anabranch.model.layer.Activation.RELU
import anabranch.model.layer.Attention.Mask.FULL
import anabranch.model.layer.Norm
import anabranch.model.plan.Head.Pool.LAST
import anabranch.model.route.Routers.mixtral

/** Judges the last flow of a window by all of it; a window leaves as a whole. */
val flowsModel: ModelSpec =
  model("flows", width = 32, norms = preNorm(Norm.Layer(1e-5))) {
    records(maxLength = HostWindow.LENGTH) {
      listOf("duration", "out", "in", "packetsOut", "packetsIn", "gap", "same").forEach(::number)
      category("protocol", levels = 4)
      category("port", levels = 17)
      category("state", levels = 6)
      category("novelty", levels = 7)
    }
    embedding(positions = true)
    layers(3) {
      attention(heads = 4, mask = FULL)
      experts(4, inner = 64, router = mixtral(2), activation = RELU)
    }
    exit("one", after = 1)
    exit("two", after = 2)
    head(outputs = Kind.values().size, pool = LAST, bias = true)
  }

/** A window leaves behind the layer that is this sure of its class. */
val flowsPolicy: Policy =
  flowsModel.policy("1") {
    exit("one", atLeast(0.99))
    exit("two", atLeast(0.99))
  }
