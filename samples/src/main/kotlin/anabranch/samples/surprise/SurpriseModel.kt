@file:JvmName("SurpriseModel")

package anabranch.samples.surprise

import anabranch.dsl.model
import anabranch.dsl.ngrams
import anabranch.dsl.policy
import anabranch.dsl.preNorm
import anabranch.engine.Policy
import anabranch.model.ModelSpec
import anabranch.model.layer.Activation.RELU_SQUARED
import anabranch.model.layer.Norm
import anabranch.model.route.Routers.switchTop1

/** A language model over bytes, with 5.3 million parameters of which a byte meets a fifth. */
val surpriseModel: ModelSpec =
  model("surprise", width = 128, norms = preNorm(Norm.Layer(1e-5))) {
    tokens(vocabulary = 257, maxLength = Windows.LENGTH)
    embedding(
      positions = true,
      ngrams = ngrams(2, 3, 4, buckets = 8192, inner = 64, begin = Windows.BEGIN),
    )
    layers(6) {
      attention(heads = 4)
      experts(8, inner = 256, router = switchTop1(), activation = RELU_SQUARED)
    }
    exit("early", after = 2)
    exit("middle", after = 4)
    head(outputs = 256, bias = true)
  }

/** Where bytes leave: the early exit must be surer than the middle one. */
val surprisePolicy: Policy =
  surpriseModel.policy("1") {
    exit("early", atLeast(0.95))
    exit("middle", atLeast(0.6))
  }
