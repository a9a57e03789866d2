"""The section about data says what is wrong with it."""

from trainables.han.data_config import DataConfig, data_problems
from trainables.han.generator import GeneratorConfig
from trainables.han.reduction import ReductionConfig
from trainables.han.windows import WindowConfig


def test_a_wrong_configuration_is_explained():
    wrong = DataConfig(
        generator=GeneratorConfig(n_test=0),
        windows=WindowConfig(stride=0),
        reduction=ReductionConfig(components=-1),
        scale="standart",  # type: ignore[arg-type]
        missing="tokens",  # type: ignore[arg-type]
    )
    assert len(list(data_problems(wrong))) == 5
    assert not list(data_problems(DataConfig()))
