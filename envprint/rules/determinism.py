"""The effect of determinism switches on a result, and which of them are off.

A switch that is off is advice: a run may repeat without it. The right call depends on the
framework's version, and so does the remedy.
"""

from __future__ import annotations

from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Rule
from envprint.core.shell import Code, Command
from envprint.core.workload import always, on_gpu, uses
from envprint.rules.kit import determinism
from envprint.rules.kit.determinism import OP_DETERMINISM, TENSORFLOW
from envprint.rules.kit.settings import SWITCHES, variable, when_changed

_GUIDE = Evidence(
    "Which switch belongs to which version of TensorFlow",
    "https://github.com/NVIDIA/framework-reproducibility/blob/master/doc/d9m/tensorflow.md",
)
_CUDNN_VARIABLES = Evidence(
    "The author of TF_CUDNN_DETERMINISTIC on both variables",
    "https://github.com/tensorflow/tensorflow/pull/24747",
)
_TORCH = Evidence(
    "What PyTorch promises, and how to request it",
    "https://docs.pytorch.org/docs/stable/notes/randomness.html",
)

RULES = (
    Rule(
        id="tensorflow-deterministic-ops-changed",
        title="The switch for deterministic operations differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow"),
        watches=(variable("TF_DETERMINISTIC_OPS"), OP_DETERMINISM),
        why="Deterministic operations use different kernels, which add in a different order; "
        "their bits differ from the usual ones on the CPU too.",
        not_when="The program calls enable_op_determinism() on both sides anyway; a capture from "
        "inside the process on both sides shows that.",
        remedy="Call enable_op_determinism(), or set TF_DETERMINISTIC_OPS, on both sides or on "
        "neither.",
        evidence=(_GUIDE, Evidence("With the switch on, on a CPU", measured="tf.detenv")),
        drift=determinism.when_switched(TF_DETERMINISTIC_OPS=False),
    ),
    Rule(
        id="tensorflow-cudnn-determinism-changed",
        title="TensorFlow chooses convolutions differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(variable("TF_CUDNN_DETERMINISTIC"), variable("TF_CUDNN_USE_AUTOTUNE")),
        why="The variables decide which cuDNN convolution algorithms are allowed, and each rounds "
        "differently.",
        not_when="Op determinism is on, which decides the same, or the job has no convolution. On "
        "a CPU, the bits were the same.",
        remedy="Give both variables the same values on both sides.",
        evidence=(_CUDNN_VARIABLES, Evidence("No effect on a CPU", measured="tf.cudnndet")),
        drift=determinism.when_switched(TF_CUDNN_DETERMINISTIC=False, TF_CUDNN_USE_AUTOTUNE=True),
    ),
    Rule(
        id="tensorflow-autotune-defeats-determinism",
        title="A variable defeats deterministic convolutions",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(variable("TF_CUDNN_USE_AUTOTUNE"), variable("TF_CUDNN_DETERMINISTIC")),
        why="Without autotuning, TensorFlow does not reach the code that picks a deterministic "
        "algorithm; its author advises against setting both.",
        not_when="The job has no convolution, or op determinism is on.",
        remedy=Command("unset TF_CUDNN_USE_AUTOTUNE"),
        evidence=(_CUDNN_VARIABLES,),
        state=determinism.defeated,
    ),
    Rule(
        id="tensorflow-convolutions-vary",
        title="This TensorFlow may change its choice of convolutions",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(TENSORFLOW,),
        why="From 2.5 to 2.8, TensorFlow may choose a different convolution algorithm in each "
        "run, even with op determinism.",
        not_when="The job has no convolution.",
        remedy=Command("pip install 'tensorflow>=2.9'"),
        evidence=(
            Evidence(
                "The fault, and its fix in 2.9",
                "https://github.com/tensorflow/tensorflow/issues/53771",
            ),
        ),
        state=determinism.varying_convolutions,
    ),
    Rule(
        id="cublas-workspace-changed",
        title="cuBLAS uses a different workspace",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch", "tensorflow", "jax") & on_gpu,
        watches=(variable("CUBLAS_WORKSPACE_CONFIG"),),
        why="With a workspace of fixed size, cuBLAS repeats itself while several streams are "
        "active; a different size may choose a different algorithm.",
        not_when="Only one stream is active at a time and the kernels fit both workspaces.",
        remedy=Command("export CUBLAS_WORKSPACE_CONFIG=:4096:8"),
        note="On both sides.",
        evidence=(
            Evidence(
                "Reproducibility of cuBLAS results",
                "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
            ),
        ),
        drift=when_changed("CUBLAS_WORKSPACE_CONFIG"),
    ),
    Rule(
        id="determinism-switches-changed",
        title="A framework's switch differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(SWITCHES,),
        why="Switches for determinism, precision and threads choose different kernels, which "
        "round differently. A different default type (of PyTorch, of Keras layers) makes a "
        "different run: random numbers are drawn in it (measured: different initial weights "
        "in float64, first-epoch loss 1.3 % apart in mixed_bfloat16).",
        not_when="A switch is known on one side only, because the framework was not loaded on the "
        "other: then nothing is reported.",
        remedy="Set the switch to the same value on both sides.",
        evidence=(
            _TORCH,
            _GUIDE,
            Evidence(
                "What PyTorch's default type controls",
                "https://docs.pytorch.org/docs/stable/generated/torch.set_default_dtype.html",
            ),
            Evidence(
                "What Keras computes in a different type under a policy",
                "https://keras.io/api/mixed_precision/",
            ),
        ),
        drift=determinism.switched,
    ),
    Rule(
        id="tensorflow-op-determinism-off",
        title="TensorFlow may use operations that do not repeat",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(OP_DETERMINISM, variable("TF_DETERMINISTIC_OPS"), TENSORFLOW),
        why="Some GPU operations, and random input pipelines with parallel calls, give different "
        "results in each run unless determinism is requested.",
        not_when="The program requests it itself, after the capture. Most jobs repeat on a CPU "
        "without it.",
        remedy=Code("tf.config.experimental.enable_op_determinism()"),
        evidence=(
            Evidence(
                "enable_op_determinism",
                "https://www.tensorflow.org/api_docs/python/tf/config/experimental/"
                "enable_op_determinism",
            ),
            _GUIDE,
        ),
        state=determinism.tensorflow_off,
        advice=True,
    ),
    Rule(
        id="tensorflow-determinism-variable-stale",
        title="The determinism variable belongs to older versions",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(variable("TF_DETERMINISTIC_OPS"), TENSORFLOW),
        why="Since 2.8, the documented switch is enable_op_determinism(). The variable still had "
        "an effect with 2.21 on a CPU, but nothing promises that it does, or how much of the "
        "function it covers.",
        not_when="The program also calls the function.",
        remedy=Code("tf.config.experimental.enable_op_determinism()"),
        evidence=(_GUIDE, Evidence("It still has an effect", measured="tf.detenv")),
        state=determinism.stale_variable,
        advice=True,
    ),
    Rule(
        id="torch-determinism-off",
        title="PyTorch may use algorithms that do not repeat",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(f"{SWITCHES}[torch-deterministic-algorithms].value",),
        why="Some operations on a GPU use atomic additions, whose order varies.",
        not_when="The program requests deterministic algorithms itself, after the capture.",
        remedy=Code(
            "torch.use_deterministic_algorithms(True); torch.backends.cudnn.benchmark = False"
        ),
        note="Older versions also need the variable CUBLAS_WORKSPACE_CONFIG=:4096:8.",
        evidence=(_TORCH,),
        state=determinism.torch_off,
        advice=True,
    ),
    Rule(
        id="jax-determinism-off",
        title="XLA may use kernels that do not repeat",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_gpu,
        watches=(variable("XLA_FLAGS"),),
        why="XLA picks GPU kernels by timing them, and some of its operations, such as scatter, "
        "do not repeat. The flag prevents both.",
        not_when="The program sets the flag itself before it imports JAX. With the flag, XLA "
        "refuses operations that have no deterministic form.",
        remedy=Command('export XLA_FLAGS="$XLA_FLAGS --xla_gpu_deterministic_ops=true"'),
        evidence=(
            Evidence(
                "Where XLA's results vary",
                "https://github.com/openxla/xla/blob/main/docs/determinism.md",
            ),
            Evidence(
                "XLA's maintainers on what the flag covers",
                "https://github.com/openxla/xla/pull/12520",
            ),
            Evidence(
                "TensorFlow's variables did not make a JAX program repeat itself",
                "https://github.com/jax-ml/jax/issues/13672",
            ),
        ),
        state=determinism.jax_off,
        advice=True,
    ),
    Rule(
        id="threads-left-to-machine",
        title="A thread count depends on the machine",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=("facts.cpu.usable_threads",),
        why="The next machine, container or job may have a different number of usable CPUs, and a "
        "different number of threads rounds differently.",
        not_when="The program sets the thread count itself.",
        remedy="Set the variable that fixes the count.",
        evidence=(Evidence("NumPy with one thread and with two", measured="np.omp1"),),
        state=determinism.threads_left_to_machine,
        advice=True,
    ),
)
