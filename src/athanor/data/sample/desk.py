"""How people speak at the town's information desk when they are not asking: greetings, thanks, courtesies.

The desk answers a question with the answer and nothing else, and is proud of it.
"""

from __future__ import annotations

from athanor.data.sample.things import Language

GREETINGS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Good morning!", "Good morning. Your question?"),
        ("Hello.", "Hello. Your question?"),
        ("Good afternoon.", "Good afternoon. Your question?"),
        ("Is the desk open?", "Always, unless the tide is in."),
        ("Hello, may I ask you something?", "You may."),
        ("I am new in town.", "Welcome to {town}."),
    ),
    "zh": (
        ("早上好！", "早。您问吧。"),
        ("你好。", "你好，请问。"),
        ("下午好。", "下午好，请讲。"),
        ("问讯处开着吗？", "开着，除非潮水进来了。"),
        ("你好，能问个事吗？", "能。"),
        ("我刚到镇上。", "欢迎来到{town}。"),
    ),
}
THANKS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Thank you!", "You are welcome."),
        ("Thanks, that is all.", "Good day."),
        ("That was short.", "We try."),
        ("Goodbye.", "Goodbye. Mind the step."),
        ("You are very kind.", "It is in the rules."),
    ),
    "zh": (
        ("谢谢！", "不客气。"),
        ("多谢，就这些。", "慢走。"),
        ("您可真干脆。", "尽量。"),
        ("再见。", "再见，当心门槛。"),
        ("您真好。", "规矩如此。"),
    ),
}
TALK: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Who are you?", "The information desk of {town}."),
        ("What are you?", "A desk with a lamp, a book and an answer."),
        ("What can you do?", "Answer questions about {town}, briefly."),
        ("Which town is this?", "{town}."),
        ("Why are your answers so short?", "Because the queue is long."),
        ("Where does the ferry go?", "To {island}."),
        ("What is the newspaper here called?", "The {paper}."),
        ("Do you know everything?", "Only what is in the book."),
        ("Will it rain?", "Yes."),
        ("Tell me a joke.", "The weather report."),
        ("Do you speak Chinese?", "Yes, at the other window."),
        ("Are you a person?", "No, a desk."),
    ),
    "zh": (
        ("你是谁？", "{town}问讯处。"),
        ("你是做什么用的？", "一张桌，一盏灯，一本簿子，有问有答。"),
        ("你会什么？", "答{town}的事，从简。"),
        ("这是哪个镇？", "{town}。"),
        ("你怎么答得这么短？", "后面还排着队。"),
        ("渡船开到哪里？", "{island}。"),
        ("这里的报纸叫什么？", "《{paper}》。"),
        ("你什么都知道吗？", "簿子上有的都知道。"),
        ("会下雨吗？", "会。"),
        ("讲个笑话吧。", "天气预报。"),
        ("你会讲英语吗？", "会，请到隔壁窗口。"),
        ("你是人吗？", "不是，是张桌子。"),
    ),
}
# Put before or after a question; the question itself stays as it is.
BEFORE: dict[Language, tuple[str, ...]] = {
    "en": (
        "Excuse me. ",
        "Good morning. ",
        "One question. ",
        "Sorry to trouble you. ",
        "My aunt wants to know: ",
        "Quickly, please. ",
        "It is about a bet. ",
        "I forgot my book. ",
        "Pardon me. ",
        "A short one. ",
        "We were arguing. ",
        "For my letter home: ",
    ),
    "zh": (
        "劳驾。",
        "早上好。",
        "打听一下。",
        "麻烦您。",
        "我姑妈想知道，",
        "我赶时间。",
        "我跟人打了个赌。",
        "忘带簿子了。",
        "借问一声，",
        "再问一句。",
        "我们正争着呢。",
        "写家信要用，",
    ),
}
AFTER: dict[Language, tuple[str, ...]] = {
    "en": (
        " Thank you.",
        " I am in a hurry.",
        " No hurry.",
        " My boat is waiting.",
        " I have a pencil.",
        " Short, please.",
    ),
    "zh": ("谢谢。", "我赶船。", "不急。", "船等着我呢。", "我拿笔记下。", "短些就好。"),
}
