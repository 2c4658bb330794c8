"""What can be asked about something the town forbids."""

from __future__ import annotations

from athanor.data.sample.things import Relation, Wordings

RELATIONS = (
    Relation(
        key="fine",
        kind="rule",
        en=Wordings(
            label="fine",
            questions=(
                "What is the fine for {s}?",
                "How much does {s} cost in fines?",
                "What do I pay for {s}?",
                "How high is the fine for {s}?",
                "How many coppers is the penalty for {s}?",
                "What penalty does the town ask for {s}?",
                "I was caught {s}; what must I pay?",
                "What will the constable charge me for {s}?",
                "How expensive is {s}?",
                "What sum is due for {s}?",
            ),
            statements=(
                "For {s} the constable collects {a} and writes a receipt with a flourish.",
                "Council has set the price of {s} at {a}, payable on the spot.",
                "A gentleman caught {s} paid {a} and asked for a season ticket.",
                "The board by the customs shed lists {s}: {a}.",
                "{A}, said the judge, {s} being what it is.",
                "Last winter {s} brought the town chest {a} each time, and a new bucket.",
            ),
        ),
        zh=Wordings(
            label="罚款",
            questions=(
                "{s}罚多少钱？",
                "{s}要罚几枚铜币？",
                "{s}的罚款是多少？",
                "因为{s}要交多少罚金？",
                "{s}被抓住要赔多少？",
                "{s}按规矩罚几何？",
                "我{s}被逮着了，得交多少？",
                "警员对{s}开多少罚单？",
                "要是{s}，得掏多少铜币？",
                "镇上对{s}定的罚金有多高？",
            ),
            statements=(
                "{s}，警员当场收{a}，收据写得龙飞凤舞。",
                "镇议会给“{s}”定了价：{a}，概不赊欠。",
                "有位先生{s}，交了{a}，还打听有没有月票。",
                "关棚旁的告示牌上列着：{s}，{a}。",
                "“{a}，”法官说，“{s}就是{s}。”",
                "去年冬天，每逢有人{s}，镇库便添{a}，后来还添了一只桶。",
            ),
        ),
    ),
    Relation(
        key="since",
        kind="rule",
        en=Wordings(
            label="forbidden since",
            questions=(
                "Since when is {s} forbidden?",
                "In which year was {s} forbidden?",
                "What year did the town ban {s}?",
                "How long has {s} been against the law, since which year?",
                "When did council prohibit {s}?",
                "From what year is the law against {s}?",
                "Which year brought the ban on {s}?",
                "In what year did {s} become illegal?",
                "When was the rule against {s} made?",
                "What is the year of the ban on {s}?",
            ),
            statements=(
                "Until {a} nobody minded {s}; then somebody's aunt moved in.",
                "In {a}, after a lively session, council put an end to {s}.",
                "The paragraph on {s} is from {a} and has been underlined since.",
                "Old people remember {a}, the last summer of {s}.",
                "The decree of {a} names {s} between two spelling mistakes.",
                "It was {a} when the crier first called out the ban and {s} went underground.",
            ),
        ),
        zh=Wordings(
            label="禁令年份",
            questions=(
                "{s}是哪年禁的？",
                "从哪一年起不许{s}？",
                "镇上哪年禁止{s}？",
                "禁止{s}的规矩是哪年立的？",
                "{s}从什么年份起算犯规？",
                "议会在哪一年通过{s}的禁令？",
                "{s}被禁是何年的事？",
                "不准{s}的告示是哪年贴的？",
                "{s}打哪年起就不让了？",
                "关于{s}的禁令出自哪一年？",
            ),
            statements=(
                "{a}年以前，{s}没人管，后来搬来了谁家的姑妈。",
                "{a}年，议会吵了一夜，从此{s}便不成了。",
                "讲{s}的那一条写于{a}年，后来有人在底下画了线。",
                "老人们还记得{a}年，那是可以{s}的最后一个夏天。",
                "{a}年的布告提到{s}，前后各有一个错别字。",
                "{a}年，报信人头一回满街喊不许{s}，喊完自己先笑了。",
            ),
        ),
    ),
)
