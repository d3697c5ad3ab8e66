package anabranch.dsl

import anabranch.model.ModelSpec
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.shouldBe
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import org.jetbrains.kotlin.cli.common.ExitCode
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler

/** Words stand only where they mean something: elsewhere the compiler refuses them. */
class NestingTest :
  FunSpec({
    val folder = tempdir()

    test("wordsOutOfPlaceDoNotCompile") {
      val lines = program(wrong = true)
      val marked = lines.indices.filter { lines[it].contains("// wrong") }.map { it + 1 }
      marked shouldHaveAtLeastSize 20
      refusedLines(folder, lines) shouldBe marked
    }

    test("theSameWordsInTheirPlacesDo") {
      refusedLines(folder, program(wrong = false)) shouldBe listOf()
    }
  })

private fun program(wrong: Boolean): List<String> =
  PROGRAM.trimIndent().lines().filter { wrong || !it.contains("// wrong") }

private const val PROGRAM =
  """
  package example

  import anabranch.dsl.*
  import anabranch.model.route.Routers.mindSkip
  import anabranch.model.route.Routers.switchTop1

  val spec = model("m", width = 8) {
    encoder {
      features(count = 1, maxLength = 2)
      layer { feedForward(inner = 4) }
      exit("read") {
        learned()
        confidence() // wrong: there are no logits
        head(outputs = 2) // wrong: what leaves is memory
        bypass(anabranch.model.layer.Bypass.MASK) // wrong: the whole item leaves
      }
      layer { feedForward(inner = 4) }
      prune("p") // wrong: an encoder's rows stay
      head(outputs = 2) // wrong: an encoder answers nothing
      encoder { } // wrong: one is enough
      order("o") { prune("p") } // wrong: an encoder's rows stay
    }
    tokens(vocabulary = 9, maxLength = 4)
    number("x") // wrong: outside of records
    until("u") // wrong: outside of a loop
    attention(heads = 2) // wrong: outside of a layer
    layer {
      attention(heads = 2)
      layer { } // wrong: a layer in a layer
      exit("a") // wrong: an exit in a layer
      head(outputs = 2) // wrong: a head in a layer
      tokens(vocabulary = 9, maxLength = 4) // wrong: an input in a layer
      chain {
        skip(mindSkip(0.5)) { feedForward(inner = 4) }
        chain { } // wrong: a chain in a chain
      }
      skip(mindSkip(0.5)) {
        skip(mindSkip(0.5)) { } // wrong: a skip in a skip
        chain {
          feedForward(inner = 4)
          skip(mindSkip(0.5)) { } // wrong: a skip in a skip
        }
        exit("a") // wrong: an exit in a skip
      }
    }
    loop(2) {
      layer { feedForward(inner = 4) }
      exit("a") // wrong: an exit in a loop
      prune("p") // wrong: a prune in a loop
      choice("c") // wrong: a choice in a loop
      loop(2) { } // wrong: a loop in a loop
      until("u") {
        saturation()
        margin() // wrong: there are no logits
        chosen() // wrong: choices are for exits
      }
    }
    exit("x") {
      chosen()
      exit("y") // wrong: an exit in an exit
      layer { } // wrong: a layer in an exit
    }
    order("other") {
      run(0)
      layer { } // wrong: orders have no layers of their own
      head(outputs = 2) // wrong: orders have no head of their own
    }
    head(outputs = 2) {
      feedForward(inner = 4)
      attention(heads = 2) // wrong: a body reads earlier rows at most
      experts(2, inner = 4, router = switchTop1()) // wrong: nor does it route
    }
  }

  val policy = spec.policy("v1") {
    halt("u", atLeast(0.5))
    layer { } // wrong: a policy has no layers
  }
  """

/** Compiles a program and returns the numbers of the lines that have errors. */
private fun refusedLines(folder: File, lines: List<String>): List<Int> {
  val source = folder.resolve("Example.kt").apply { writeText(lines.joinToString("\n")) }
  val paths =
    listOf(ModelBuilder::class.java, ModelSpec::class.java, Unit::class.java).map {
      File(it.protectionDomain.codeSource.location.toURI()).path
    }
  val said = ByteArrayOutputStream()
  val code =
    K2JVMCompiler()
      .exec(
        PrintStream(said),
        "-no-stdlib",
        "-no-reflect",
        "-nowarn",
        "-cp",
        paths.joinToString(File.pathSeparator),
        "-d",
        folder.resolve("classes").path,
        source.path,
      )
  val refused =
    Regex("""Example\.kt:(\d+):\d+: error""")
      .findAll(said.toString())
      .map { it.groupValues[1].toInt() }
      .distinct()
      .sorted()
      .toList()
  check(refused.isEmpty() == (code == ExitCode.OK)) { said }
  return refused
}
